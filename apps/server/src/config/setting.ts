import type { z } from 'zod'

/** One environment variable: how it is read, and what the reference says of it. */
export interface Setting<S extends z.ZodType = z.ZodType> {
  /** Reads the text of the variable; `undefined` when it is unset or empty. */
  schema: S
  /** What stands in the reference when the variable is unset. */
  defaultText: string
  description: string
  /** Never printed, not even when it is wrong. */
  secret?: true
}

export const setting = <S extends z.ZodType>(
  schema: S,
  defaultText: string,
  description: string,
  more: { secret?: true } = {},
): Setting<S> => ({ schema, defaultText, description, ...more })
