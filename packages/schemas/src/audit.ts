import { z } from 'zod'

import { errorCode } from './errors.js'
import { pageInput } from './pagination.js'

/**
 * Who did it: a user, an API key, nobody that was known, or somebody at the database without the server, whose id is
 * the database's role.
 */
export const auditActorKind = z.enum(['user', 'api_key', 'anonymous', 'database'])
export type AuditActorKind = z.infer<typeof auditActorKind>

export const auditOutcome = z.enum(['done', 'refused'])
export type AuditOutcome = z.infer<typeof auditOutcome>

export const auditChange = z.object({
  table: z.string(),
  id: z.string().nullable(),
  operation: z.enum(['insert', 'update', 'delete']),
  /** What was changed, by its name, as it was; null when it was made. Secrets are `[redacted]`. */
  before: z.record(z.string(), z.unknown()).nullable(),
  /** As it became; null when it was removed. */
  after: z.record(z.string(), z.unknown()).nullable(),
})
export type AuditChange = z.infer<typeof auditChange>

export const auditEvent = z.object({
  type: z.string(),
  subjectType: z.string(),
  subjectId: z.string(),
  payload: z.unknown(),
})
export type AuditEvent = z.infer<typeof auditEvent>

/** What one call changed in one transaction, or what was refused. */
export const auditEntry = z.object({
  /** The place in the chain; grows by one. */
  seq: z.int(),
  at: z.date(),
  actorKind: auditActorKind,
  actorId: z.string().nullable(),
  /** As the actor was called then; of a refused login, the account that was tried. */
  actorName: z.string().nullable(),
  ip: z.string().nullable(),
  userAgent: z.string().nullable(),
  requestId: z.string().nullable(),
  /** The procedure, such as `printers.update`; `database.update` without the server. */
  action: z.string(),
  outcome: auditOutcome,
  /** Why it was refused. */
  errorCode: errorCode.nullable(),
  /** How often it was refused within two seconds; 1 for what was done. */
  times: z.int(),
  targetType: z.string().nullable(),
  targetId: z.string().nullable(),
  events: z.array(auditEvent),
  changes: z.array(auditChange),
  /** Changes and events beyond the hundred that an entry holds. */
  omitted: z.int(),
  /** SHA-256 of this entry and the hash before it, in hex. */
  hash: z.string(),
})
export type AuditEntry = z.infer<typeof auditEntry>

/** What ids and names are made of. */
const word = z.string().regex(/^[\x21-\x7e]+$/, 'must be printable ASCII without spaces')

export const auditListInput = z.strictObject({
  ...pageInput,
  actorId: word.max(100).optional(),
  /** A whole name, or the beginning of several with its dot: `printers.` */
  action: word.max(100).optional(),
  outcome: auditOutcome.optional(),
  targetType: word.max(50).optional(),
  /** Whatever an entry is about, not only its main target. */
  targetId: word.max(100).optional(),
  ip: word.max(50).optional(),
  /** Not before. */
  from: z.date().optional(),
  /** Before. */
  to: z.date().optional(),
})
export type AuditListInput = z.infer<typeof auditListInput>
