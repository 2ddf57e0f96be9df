import { z } from 'zod'

/** Every row's id is `<prefix>_<uuidv7>`: the prefix says what it names, the uuid sorts by time of making. */
export const ID_PREFIXES = {
  user: 'usr',
  session: 'ses',
  refreshToken: 'rft',
  identity: 'idn',
  apiKey: 'key',
  role: 'rol',
  location: 'loc',
  printerGroup: 'grp',
  printer: 'prn',
  hold: 'hld',
  file: 'fil',
  fileVersion: 'fvr',
  project: 'prj',
  projectPart: 'prt',
  printJob: 'job',
  attempt: 'att',
  printerCommand: 'cmd',
  alarm: 'alm',
  outbox: 'ob',
  export: 'exp',
  email: 'eml',
  instance: 'ins',
  webhook: 'whk',
  webhookDelivery: 'whd',
} as const

export type IdKind = keyof typeof ID_PREFIXES

const UUID_V7 = '[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}'

/** A schema for the ids of one kind, such as `prn_0199…`. */
export const idOf = (kind: IdKind) =>
  z
    .string()
    .regex(new RegExp(`^${ID_PREFIXES[kind]}_${UUID_V7}$`), `must be an id that starts with ${ID_PREFIXES[kind]}_`)

/**
 * Chosen by the caller, once per thing it wants to create: a request repeated with the same key within 24 hours
 * creates nothing and gets the first answer.
 */
export const idempotencyKey = z
  .string()
  .min(8)
  .max(100)
  .regex(/^[\x21-\x7e]+$/, 'must be printable ASCII without spaces')
