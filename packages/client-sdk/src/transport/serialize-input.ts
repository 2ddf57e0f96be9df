import superjson from 'superjson'

import { GantryApiError } from '../errors/gantry-api-error.js'

const MAX_DEPTH = 32

/**
 * A copy without members that are undefined, in which no object stands twice: the server refuses both an explicit
 * undefined and references from one place to another, and callers should not have to care.
 */
const plainCopy = (value: unknown, depth = 0): unknown => {
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Date) return new Date(value)
  if (depth > MAX_DEPTH) {
    throw new GantryApiError({
      code: 'VALIDATION_FAILED',
      message: `The input is circular, or nested deeper than ${MAX_DEPTH} levels.`,
    })
  }
  if (Array.isArray(value)) return value.map((member) => plainCopy(member ?? null, depth + 1))
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
  return Object.fromEntries(members.map(([key, member]) => [key, plainCopy(member, depth + 1)]))
}

/** The same on the way back as the server, stricter on the way there. */
export const transformer = {
  input: {
    // A procedure without input gets a null, since in a batch every call has to have something.
    serialize: (value: unknown) => superjson.serialize(plainCopy(value ?? null)),
    deserialize: (value: Parameters<typeof superjson.deserialize>[0]): unknown => superjson.deserialize(value),
  },
  output: {
    serialize: (value: unknown) => superjson.serialize(value),
    deserialize: (value: Parameters<typeof superjson.deserialize>[0]): unknown => superjson.deserialize(value),
  },
}
