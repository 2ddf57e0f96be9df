import { z } from 'zod'

import { idOf } from './ids.js'
import { permission, PERMISSIONS } from './permissions.js'

const MOST_PLACES = 100

/** What somebody lets a program do in their name. */
export const apiKey = z.object({
  id: idOf('apiKey'),
  name: z.string(),
  /** It may do this, as far as its user may. */
  scopes: z.array(permission),
  /** It sees printers of these groups alone; empty: all that its user sees. */
  printerGroupIds: z.array(z.string()),
  /** It sees what belongs to these projects alone; empty: all that its user sees. */
  projectIds: z.array(z.string()),
  createdAt: z.date(),
  /** Null: it lasts until it is revoked. */
  expiresAt: z.date().nullable(),
  /** To the minute; null: never yet. */
  lastUsedAt: z.date().nullable(),
})
export type ApiKey = z.infer<typeof apiKey>

export const apiKeyWithSecret = apiKey.extend({
  /** `gty_<id>_<secret>` for `Authorization: Bearer`; shown this once. */
  key: z.string(),
})
export type ApiKeyWithSecret = z.infer<typeof apiKeyWithSecret>

export const createApiKeyInput = z.strictObject({
  /** The user's own, once more; an account without one signs on afresh instead. */
  password: z.string().min(1).max(128).optional(),
  name: z.string().trim().min(1).max(100),
  scopes: z.array(permission).min(1).max(PERMISSIONS.length),
  printerGroupIds: z.array(idOf('printerGroup')).max(MOST_PLACES).default([]),
  projectIds: z.array(idOf('project')).max(MOST_PLACES).default([]),
  expiresAt: z.date().nullable().default(null),
})
export type CreateApiKeyInput = z.infer<typeof createApiKeyInput>
