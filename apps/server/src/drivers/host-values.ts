import { toUSVString } from 'node:util'

import { z } from 'zod'

const MAX_TEXT = 1_000

/**
 * A text that a host sent, as it may be stored and shown: cut, without NUL and halves of characters, which no database
 * takes. Whatever else it holds, markup included, is text.
 */
export const hostText = z.string().transform((text) => toUSVString(text.slice(0, MAX_TEXT).replaceAll('\0', '')))

/** Seconds since 1970 as a date; null for what no calendar has. */
export const hostDate = (seconds: number | null): Date | null => {
  const date = new Date((seconds ?? NaN) * 1_000)
  return Number.isNaN(date.getTime()) ? null : date
}
