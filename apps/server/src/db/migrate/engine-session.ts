import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils'
import type { SchemaEngine, SchemasContainer } from '@prisma/schema-engine-wasm/schema_engine_bg'
import pg from 'pg'

import { engineAdapter } from './engine-adapter.js'
import { loadEngineModule } from './engine-module.js'
import { MigrationError, toMigrationError } from './errors.js'

const CONNECT_TIMEOUT_MILLISECONDS = 10_000

export interface SessionOptions {
  databaseUrl: string
  /** How long to wait for any one lock, also for another process that migrates. @default 60 */
  lockTimeoutSeconds?: number
}

/**
 * Opens the schema engine on a database for the time of `work`.
 * @throws MigrationError
 */
export async function withEngine<T>(
  { databaseUrl, lockTimeoutSeconds = 60 }: SessionOptions,
  schema: SchemasContainer,
  work: (engine: SchemaEngine) => Promise<T>,
): Promise<T> {
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MILLISECONDS,
    lock_timeout: lockTimeoutSeconds * 1000,
    // One connection, so that the engine's lock lives as long as the statement that runs, also if this process dies.
    max: 1,
    idleTimeoutMillis: 0,
    application_name: 'gantry migrate',
  })
  // A connection that breaks while idle; the next query reports it.
  pool.on('error', () => undefined)
  try {
    await connectOnce(pool)
    const { SchemaEngine } = await loadEngineModule()
    const adapter = bindMigrationAwareSqlAdapterFactory(engineAdapter(pool))
    const datamodels = schema.files.map((file): [string, string] => [file.path, file.content])
    const engine = await SchemaEngine.new({ datamodels }, () => undefined, adapter)
    try {
      return await work(engine)
    } finally {
      engine.free()
    }
  } catch (error) {
    throw toMigrationError(error)
  } finally {
    await pool.end()
  }
}

/** Runs `work` on one plain connection. @throws MigrationError */
export async function withConnection<T>(databaseUrl: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({
    connectionString: databaseUrl,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MILLISECONDS,
    query_timeout: 60_000,
  })
  client.on('error', () => undefined)
  await client.connect().catch((error: unknown) => Promise.reject(connectionError(error)))
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

async function connectOnce(pool: pg.Pool): Promise<void> {
  try {
    const client = await pool.connect()
    client.release()
  } catch (error) {
    throw connectionError(error)
  }
}

/** Nothing of the connection string is shown: it holds a password. */
function connectionError(cause: unknown): MigrationError {
  const reason = cause instanceof Error ? cause.message || cause.name : String(cause)
  if (!(cause instanceof pg.DatabaseError)) {
    return new MigrationError('database_unreachable', `The database does not answer: ${reason}`, { cause })
  }
  const code = cause.code?.startsWith('28')
    ? 'database_access_denied'
    : cause.code === '3D000'
      ? 'database_missing'
      : null
  return new MigrationError(code ?? 'database_unreachable', `The database refuses the connection: ${reason}`, { cause })
}
