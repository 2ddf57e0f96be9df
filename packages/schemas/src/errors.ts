import { z } from 'zod'

/** The closed list of what can go wrong, as clients see it. The server's table gives each its status and texts. */
export const ERROR_CODES = [
  'VALIDATION_FAILED',
  'UNAUTHENTICATED',
  'INVALID_CREDENTIALS',
  'SESSION_ENDED',
  'FORBIDDEN',
  'NOT_FOUND',
  'METHOD_NOT_ALLOWED',
  'NAME_TAKEN',
  'VERSION_CONFLICT',
  'INVALID_STATE',
  'IDEMPOTENCY_KEY_REUSED',
  'NOT_GCODE',
  'FILE_TOO_LARGE',
  'UPLOAD_TRUNCATED',
  'STORAGE_FULL',
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
