import { setTimeout as sleep } from 'node:timers/promises'

import { jittered, type Random } from '../kernel/random.js'
import { isTransient } from './errors.js'

export interface Repetition {
  /** At most so often, the first time included. */
  tries: number
  /** The first pause is about twice as long, and each one twice as long as the one before. */
  firstPauseMs: number
  random: Random
  /** Asked of errors that do not say by themselves that nothing was done. */
  mayRepeat: (error: unknown) => boolean
}

/** Does it again, after growing, jittered pauses, when what it met may pass. @throws what the last try threw */
export const repeated = async <T>(
  attempt: () => Promise<T>,
  { tries, firstPauseMs, random, mayRepeat }: Repetition,
): Promise<T> => {
  for (let tried = 1; ; tried += 1) {
    try {
      return await attempt()
    } catch (error) {
      const again = isTransient(error) || mayRepeat(error)
      if (tried === tries || !again) throw error
      await sleep(jittered(firstPauseMs * 2 ** tried, random))
    }
  }
}
