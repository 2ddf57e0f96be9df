import { z } from 'zod'

import { idOf } from './ids.js'

/** A login that goes on. */
export const userSession = z.object({
  id: idOf('session'),
  /** What the browser or the program says it is. */
  device: z.string().nullable(),
  /** From where it was begun. */
  address: z.string().nullable(),
  createdAt: z.date(),
  /** When its tokens were last renewed. */
  lastUsedAt: z.date(),
  /** Unless its tokens are renewed before. */
  expiresAt: z.date(),
  /** Whether it is the one that asks. */
  isCurrent: z.boolean(),
})
export type UserSession = z.infer<typeof userSession>
