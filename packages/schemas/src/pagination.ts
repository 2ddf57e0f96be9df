import { z } from 'zod'

/** Input of every list: at most `limit` items after the opaque `cursor` of the previous page. */
export const pageInput = {
  limit: z.int().min(1).max(200).default(50),
  cursor: z.string().max(512).optional(),
}

/** Output of every list. `nextCursor` is null on the last page. */
export const pageOf = <T extends z.ZodType>(item: T) =>
  z.object({ items: z.array(item), nextCursor: z.string().nullable() })

export interface Page<T> {
  items: T[]
  nextCursor: string | null
}
