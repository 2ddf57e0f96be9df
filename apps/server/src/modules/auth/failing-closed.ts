import { GantryError } from '../../kernel/index.js'

/** Whatever goes wrong while somebody is being recognised is `UNAVAILABLE`: never a yes, never an anonymous caller. */
export const failingClosed = async <T>(checking: Promise<T>): Promise<T> => {
  try {
    return await checking
  } catch (cause) {
    if (cause instanceof GantryError) throw cause
    throw new GantryError('UNAVAILABLE', { detail: 'the caller could not be checked', cause })
  }
}
