import { GantryError } from './errors.js'

/** For what can be told without it: null when it does not answer. @throws every other error */
export const nullIfAway = (error: unknown): null => {
  if (error instanceof GantryError && error.code === 'UNAVAILABLE') return null
  throw error
}
