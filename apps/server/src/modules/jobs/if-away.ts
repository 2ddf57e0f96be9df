import { GantryError } from '../../kernel/index.js'

/** For what can be told without the queues: null when they do not answer. @throws every other error */
export const nullIfAway = (error: unknown): null => {
  if (error instanceof GantryError && error.code === 'UNAVAILABLE') return null
  throw error
}
