import { z } from 'zod'

import { idOf } from './ids.js'

/** `skipped`: no mail server was set when its turn came. */
export const emailState = z.enum(['sending', 'sent', 'skipped', 'failed'])
export type EmailState = z.infer<typeof emailState>

/** What became of one mail to one address. What it says is kept nowhere. */
export const emailMessage = z.object({
  id: idOf('email'),
  /** The same key to the same address is one mail. */
  key: z.string(),
  to: z.string(),
  template: z.string(),
  subject: z.string(),
  state: emailState,
  /** Why it was skipped or failed, or why the last try did not succeed. */
  reason: z.string().nullable(),
  tries: z.int(),
  createdAt: z.date(),
  updatedAt: z.date(),
  sentAt: z.date().nullable(),
})
export type EmailMessage = z.infer<typeof emailMessage>
