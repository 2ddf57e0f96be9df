import { KeyFileError } from '../adapters/secrets/key-file.js'
import { ConfigError } from '../config/config.js'
import { EmbeddedPostgresError } from '../db/embedded/errors.js'
import { MigrationError } from '../db/migrate/errors.js'
import { GantryError } from '../kernel/index.js'
import { redactText } from '../observability/redact.js'
import { EvictingRedisError } from '../queues/redis-backend.js'

const EXPECTED = [ConfigError, KeyFileError, EmbeddedPostgresError, MigrationError, EvictingRedisError, GantryError]

const isSystemError = (error: unknown): error is NodeJS.ErrnoException => error instanceof Error && 'code' in error

/** Why the server did not start, in a sentence where the cause is known, with the stack where it is not. */
export const explainFailure = (error: unknown): string => {
  const isExpected = EXPECTED.some((kind) => error instanceof kind) || isSystemError(error)
  const text = error instanceof Error ? (isExpected ? error.message : (error.stack ?? error.message)) : String(error)
  return `Gantry gave up: ${redactText(text)}\n`
}
