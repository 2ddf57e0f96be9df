import { z } from 'zod'

import { passwordRefusal } from './auth.js'
import { permission } from './permissions.js'
import { printerCommandKind } from './printers.js'
import { signOnFailure, signOnRefusal } from './sign-on.js'

/** The closed list of what can go wrong, as clients see it. The server's table gives each its status and texts. */
export const ERROR_CODES = [
  'VALIDATION_FAILED',
  'UNAUTHENTICATED',
  'INVALID_CREDENTIALS',
  'SECOND_FACTOR_REQUIRED',
  'SIGN_ON_FAILED',
  'SIGN_ON_REFUSED',
  'SIGN_ON_REQUIRED',
  'SESSION_ENDED',
  'PASSWORD_REFUSED',
  'REGISTRATION_CLOSED',
  'FORBIDDEN',
  'CROSS_SITE_REFUSED',
  'NOT_FOUND',
  'METHOD_NOT_ALLOWED',
  'NAME_TAKEN',
  'VERSION_CONFLICT',
  'INVALID_STATE',
  'IDEMPOTENCY_KEY_REUSED',
  'NOT_GCODE',
  'NOT_3MF',
  'NOT_SLICED',
  'FILE_TOO_LARGE',
  'UPLOAD_TRUNCATED',
  'STORAGE_FULL',
  'QUOTA_EXCEEDED',
  'EXPORT_LIMIT_REACHED',
  'LINK_REFUSED',
  'LINK_EXPIRED',
  'RANGE_NOT_SATISFIABLE',
  'REQUEST_TOO_LARGE',
  'UNSUPPORTED_MEDIA_TYPE',
  'RATE_LIMITED',
  'PRINTER_ADDRESS_REFUSED',
  'PRINTER_UNREACHABLE',
  'PRINTER_TIMEOUT',
  'PRINTER_AUTH_FAILED',
  'PRINTER_NOT_RECOGNISED',
  'PRINTER_OFFLINE',
  'PRINTER_BUSY',
  'PRINTER_REJECTED',
  'PRINTER_UNSUPPORTED',
  'COMMAND_EXPIRED',
  'DEADLINE_EXCEEDED',
  'REQUEST_ABORTED',
  'UNAVAILABLE',
  'INTERNAL',
] as const

export const errorCode = z.enum(ERROR_CODES)
export type ErrorCode = z.infer<typeof errorCode>

const detailed = z.object({
  /** What exactly, in English. */
  detail: z.string().optional(),
})

/** Why an archive is not taken for a 3MF, or not as it is. */
export const notThreeMfReason = z.enum([
  'not_zip',
  'not_3mf',
  'malformed',
  'too_many_entries',
  'too_large',
  'compression_ratio',
  'checksum',
  'encrypted',
  'unsupported_entry',
  'unsafe_name',
  'duplicate_name',
  'overlap',
  'xml',
  'picture',
])
export type NotThreeMfReason = z.infer<typeof notThreeMfReason>

/** What an error of each code tells besides its text. Clients must bear that a server tells more. */
export const ERROR_PARAMS = {
  VALIDATION_FAILED: detailed,
  UNAUTHENTICATED: z.object({}),
  INVALID_CREDENTIALS: z.object({}),
  SECOND_FACTOR_REQUIRED: z.object({}),
  SIGN_ON_FAILED: z.object({ reason: signOnFailure }),
  SIGN_ON_REFUSED: z.object({ reason: signOnRefusal }),
  SIGN_ON_REQUIRED: z.object({}),
  SESSION_ENDED: z.object({}),
  PASSWORD_REFUSED: detailed.extend({ reason: passwordRefusal }),
  REGISTRATION_CLOSED: z.object({}),
  FORBIDDEN: z.object({
    /** `session`: a login of one's own, which no API key has. */
    needs: permission.or(z.literal('session')),
    /** The role of who asked, or `api_key`. */
    has: z.string().optional(),
  }),
  CROSS_SITE_REFUSED: z.object({ missing: z.enum(['origin', 'header']) }),
  NOT_FOUND: z.object({ resource: z.string(), id: z.string().optional() }),
  METHOD_NOT_ALLOWED: z.object({ allowed: z.array(z.string()).optional() }),
  NAME_TAKEN: z.object({ name: z.string() }),
  VERSION_CONFLICT: z.object({ ifVersion: z.int(), version: z.int() }),
  INVALID_STATE: detailed,
  IDEMPOTENCY_KEY_REUSED: z.object({}),
  NOT_GCODE: z.object({ reason: z.string() }),
  NOT_3MF: z.object({ reason: notThreeMfReason }),
  NOT_SLICED: z.object({}),
  FILE_TOO_LARGE: z.object({ limitBytes: z.number() }),
  UPLOAD_TRUNCATED: z.object({ reason: z.string().optional() }),
  STORAGE_FULL: z.object({}),
  QUOTA_EXCEEDED: z.object({ limitBytes: z.number() }),
  EXPORT_LIMIT_REACHED: detailed,
  LINK_REFUSED: z.object({}),
  LINK_EXPIRED: z.object({}),
  RANGE_NOT_SATISFIABLE: z.object({}),
  REQUEST_TOO_LARGE: z.object({
    what: z.enum(['url', 'headers', 'body']).optional(),
    limitBytes: z.number().optional(),
  }),
  UNSUPPORTED_MEDIA_TYPE: z.object({ expected: z.string() }),
  RATE_LIMITED: z.object({ limit: z.number().optional(), of: z.string().optional() }),
  PRINTER_ADDRESS_REFUSED: detailed,
  PRINTER_UNREACHABLE: detailed,
  PRINTER_TIMEOUT: detailed,
  PRINTER_AUTH_FAILED: detailed,
  PRINTER_NOT_RECOGNISED: detailed,
  PRINTER_OFFLINE: detailed,
  PRINTER_BUSY: detailed,
  PRINTER_REJECTED: detailed,
  PRINTER_UNSUPPORTED: detailed,
  COMMAND_EXPIRED: z.object({ kind: printerCommandKind }),
  DEADLINE_EXCEEDED: z.object({ what: z.enum(['headers', 'body']).optional() }),
  REQUEST_ABORTED: z.object({}),
  UNAVAILABLE: z.object({ reason: z.enum(['stopping', 'identity_provider']).optional() }),
  INTERNAL: z.object({}),
} as const satisfies Record<ErrorCode, z.ZodObject>
export type ErrorParamsByCode = { [C in ErrorCode]: z.infer<(typeof ERROR_PARAMS)[C]> }

/**
 * The body of every failed answer: tRPC puts it in `error.data`, REST and uploads send it as `error`.
 * `fields` maps an input's path (`parts.0.targetQuantity`) to what is wrong with it.
 */
export const errorBody = z.object({
  code: errorCode,
  message: z.string(),
  params: z.record(z.string(), z.unknown()),
  requestId: z.string(),
  retryable: z.boolean(),
  fields: z.record(z.string(), z.array(z.string())).nullable(),
  retryAfterSeconds: z.number().nullable(),
})
export type ErrorBody = z.infer<typeof errorBody>
