import { setTimeout as sleep } from 'node:timers/promises'

import pg from 'pg'

import type { Logger } from '../../kernel/logger.port.js'
import { jittered } from '../../kernel/random.js'
import { MigrationError } from './errors.js'

export const CONNECT_TIMEOUT_MILLISECONDS = 10_000

const STARTING_UP_MS = 30_000
const LOOK_EVERY_MS = 500
/** The server starts, recovers from a crash, or shuts down. */
const CANNOT_CONNECT_NOW = '57P03'

export interface ReachOptions {
  databaseUrl: string
  /** For each try. */
  timeoutMs: number
  log: Pick<Logger, 'info'>
  /** How long a server that is starting up is waited for. @default 30_000 */
  startingUpMs?: number
}

/**
 * Makes sure that the database can be connected to. Only a server that says itself that it is starting up is waited for:
 * where everything starts at once, every instance would else give up. What a person must mend is told at once.
 * @throws MigrationError `database_unreachable`, `database_access_denied`, `database_missing`
 */
export async function reachDatabase(options: ReachOptions): Promise<void> {
  const { databaseUrl, timeoutMs, log, startingUpMs = STARTING_UP_MS } = options
  const giveUpAtMs = performance.now() + startingUpMs
  for (let tried = 1; ; tried += 1) {
    try {
      await withConnection(databaseUrl, () => Promise.resolve(), timeoutMs)
      return
    } catch (error) {
      if (!isStartingUp(error) || performance.now() >= giveUpAtMs) throw error
      if (tried === 1) log.info({ startingUpMs }, 'the database is starting up and is waited for')
      await sleep(jittered(LOOK_EVERY_MS, Math.random))
    }
  }
}

/** Runs `work` on one plain connection. @throws MigrationError */
export async function withConnection<T>(
  databaseUrl: string,
  work: (client: pg.Client) => Promise<T>,
  connectTimeoutMs = CONNECT_TIMEOUT_MILLISECONDS,
): Promise<T> {
  const client = clientOf({
    connectionString: databaseUrl,
    connectionTimeoutMillis: connectTimeoutMs,
    query_timeout: 60_000,
  })
  client.on('error', () => undefined)
  await client.connect().catch((error: unknown) => Promise.reject(connectionError(error, client)))
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

/** A URL may also name files of certificates, which are read here. */
function clientOf(config: pg.ClientConfig): pg.Client {
  try {
    return new pg.Client(config)
  } catch (cause) {
    const text = `DATABASE_URL cannot be used (${reasonOf(cause)}).`
    throw new MigrationError('database_unreachable', text, { cause })
  }
}

/**
 * Says what is wrong and where to look. Of the connection string only what is no secret is shown. The embedded database
 * has no such setting, but is known to accept connections before anybody comes here.
 */
export function connectionError(
  cause: unknown,
  { host, port, user = '', database = '' }: Pick<pg.Client, 'host' | 'port' | 'user' | 'database'>,
): MigrationError {
  const reason = reasonOf(cause)
  const server = `The database server at ${host}:${port}`
  const failure = (code: MigrationError['code'], text: string) => new MigrationError(code, text, { cause })
  if (!(cause instanceof pg.DatabaseError)) {
    if (/timeout/.test(reason))
      return failure(
        'database_unreachable',
        `${server} does not answer in time: look at DATABASE_URL, and at DB_TIMEOUT_MS if it is only slow.`,
      )
    return failure('database_unreachable', `${server} cannot be reached (${reason}): look at DATABASE_URL.`)
  }
  if (cause.code?.startsWith('28') === true)
    return failure(
      'database_access_denied',
      `${server} refuses the user ${user} or its password (${reason}): look at DATABASE_URL.`,
    )
  if (cause.code === '3D000')
    return failure(
      'database_missing',
      `${server} has no database ${database} (${reason}): create it, or look at DATABASE_URL.`,
    )
  return failure('database_unreachable', `${server} refuses the connection (${reason}): look at DATABASE_URL.`)
}

/** A name with several addresses fails once for each, without a message of its own. */
function reasonOf(cause: unknown): string {
  if (cause instanceof AggregateError) return cause.errors.map(reasonOf).join(', ')
  return cause instanceof Error ? cause.message || cause.name : String(cause)
}

function isStartingUp(error: unknown): boolean {
  const cause = error instanceof MigrationError ? error.cause : null
  return cause instanceof pg.DatabaseError && cause.code === CANNOT_CONNECT_NOW
}
