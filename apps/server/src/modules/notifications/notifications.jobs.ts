import { alarmCode, alarmSeverity } from '@gantry/schemas'
import { z } from 'zod'

import { defineJob } from '../../kernel/index.js'
import { fromEarlierEmail } from './earlier-email.js'

const when = z.iso.datetime()

/** What can be mailed: which template, and what it needs to know. */
export const emailContent = z.discriminatedUnion('template', [
  z.strictObject({
    template: z.literal('alarm-raised'),
    data: z.strictObject({
      alarmId: z.string(),
      code: alarmCode,
      severity: alarmSeverity,
      params: z.record(z.string(), z.unknown()),
      subjectType: z.string(),
      subjectId: z.string(),
      raisedAt: when,
    }),
  }),
  z.strictObject({
    template: z.literal('export-ready'),
    data: z.strictObject({ exportId: z.string(), format: z.enum(['json', 'csv']), expiresAt: when }),
  }),
  z.strictObject({
    template: z.literal('webhook-disabled'),
    data: z.strictObject({ webhookId: z.string(), url: z.string(), reason: z.string() }),
  }),
  /** Lets the one who has the address choose a password. The token is sealed, so that no row of jobs shows it. */
  z.strictObject({
    template: z.literal('invitation'),
    data: z.strictObject({ userId: z.string(), sealedToken: z.string(), expiresAt: when }),
  }),
  z.strictObject({
    template: z.literal('password-reset'),
    data: z.strictObject({ userId: z.string(), sealedToken: z.string(), expiresAt: when }),
  }),
  /** Somebody wanted to register with the address of this account. */
  z.strictObject({ template: z.literal('registration-tried'), data: z.strictObject({}) }),
  /** What an older producer sends: a subject of its own, and lines of name and value. */
  z.strictObject({
    template: z.literal('message'),
    data: z.strictObject({
      subject: z.string().min(1).max(200),
      heading: z.string().max(200),
      lines: z.array(z.strictObject({ name: z.string().max(100), value: z.string().max(2_000) })).max(50),
    }),
  }),
  /** Whether mail works. */
  z.strictObject({
    template: z.literal('test'),
    data: z.strictObject({ requestedBy: z.string() }),
  }),
])
export type EmailContent = z.infer<typeof emailContent>

/** A mail to one address. */
export const emailNotification = defineJob({
  type: 'EMAIL_NOTIFICATION',
  version: 2,
  payload: z.strictObject({
    to: z.email().max(254),
    /** The same key to the same address is one mail, however often it is ordered. @default the job's id */
    key: z.string().min(1).max(200).optional(),
    content: emailContent,
  }),
  earlier: { 1: fromEarlierEmail },
  attempts: 8,
  backoff: { type: 'exponential', delay: 5_000, maxDelay: 30 * 60_000 },
  timeoutMs: 30_000,
  concurrency: 3,
})
