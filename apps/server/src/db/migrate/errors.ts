/** Why migrations could not be read, applied or made. The Prisma code, where there is one, is in brackets. */
export type MigrationErrorCode =
  /** [P1001] The server does not answer. */
  | 'database_unreachable'
  /** [P1000] The server refuses the user or the password. */
  | 'database_access_denied'
  /** [P1003] The server has no such database. */
  | 'database_missing'
  /** [P1002] Somebody else holds the migration lock, or a table that a migration changes. */
  | 'lock_timeout'
  /** [P3018] A migration failed now; nothing of it was applied. */
  | 'migration_failed'
  /** [P3009] A migration failed earlier and waits for `resolve`. */
  | 'migration_unresolved'
  /** [P3005] There are tables that no migration made. */
  | 'database_not_empty'
  /** A migration was changed after it had been applied. */
  | 'migration_edited'
  /** A migration folder or the schema cannot be read. */
  | 'files_unreadable'
  /** The schema engine refused: a mistake in the schema, or in ours. */
  | 'engine_failed'

/** A failure of a migration command; the message says what a person can do about it. */
export class MigrationError extends Error {
  override readonly name = 'MigrationError'

  constructor(
    readonly code: MigrationErrorCode,
    message: string,
    readonly details: { migrations?: string[]; cause?: unknown } = {},
  ) {
    super(message, { cause: details.cause })
  }
}

export const resolveHint = 'Correct the cause, then run "npm run prisma:migrate -- resolve NAME" and migrate again.'

/** Gives an error of the schema engine or of the connection its code. */
export function toMigrationError(error: unknown): MigrationError {
  if (error instanceof MigrationError) return error
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  const message = withoutTrace(error instanceof Error ? error.message : String(error))
  const details = { cause: error }
  if (code === 'P3005') {
    return new MigrationError('database_not_empty', 'The database holds tables that no migration made.', details)
  }
  if (code === 'P3009') {
    const migrations = [...message.matchAll(/^The `([^`]+)` migration/gm)].map((match) => String(match[1]))
    const names = migrations.join(', ')
    const text = `The migration ${names} did not succeed earlier. ${resolveHint}`
    return new MigrationError('migration_unresolved', text, { migrations, ...details })
  }
  const failed = failedMigration(error)
  if (failed !== null) {
    const text = `The migration ${failed} failed and was rolled back: ${message}`
    return new MigrationError('migration_failed', text, { migrations: [failed], ...details })
  }
  if (/due to lock timeout/.test(message)) {
    return new MigrationError(
      'lock_timeout',
      `Another session holds a lock that the migration needs: ${message}`,
      details,
    )
  }
  return new MigrationError('engine_failed', message, details)
}

/** The engine wraps what the database said into its own prefix and call stack. */
function withoutTrace(message: string): string {
  const [text = message] = message.split(/^ +0: /m)
  return text.replace(/^external connector error\nError querying the database: /, '').trim()
}

function failedMigration(error: unknown): string | null {
  const match = error instanceof Error ? /apply_script\s+with migration_name="([^"]+)"/.exec(error.message) : null
  return match?.[1] ?? null
}
