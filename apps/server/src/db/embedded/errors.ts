/** Why the embedded PostgreSQL could not be started, adopted or stopped. */
export type EmbeddedPostgresErrorCode =
  | 'unsupported_platform'
  | 'binaries_unusable'
  | 'account_unavailable'
  | 'directory_unreachable'
  | 'directory_unusable'
  | 'lock_timeout'
  | 'credentials_invalid'
  | 'initdb_failed'
  | 'version_mismatch'
  | 'start_failed'
  | 'start_timeout'
  | 'stop_timeout'

/** A failure of the embedded PostgreSQL; the message says what a person can do about it. */
export class EmbeddedPostgresError extends Error {
  override readonly name = 'EmbeddedPostgresError'

  constructor(
    readonly code: EmbeddedPostgresErrorCode,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(message, options)
  }
}

/** True for an error of the operating system with this code, such as `ENOENT`. */
export function isSystemError(error: unknown, ...codes: string[]): error is NodeJS.ErrnoException {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && codes.includes(error.code)
}
