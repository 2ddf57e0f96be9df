import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils'
import type { SchemaEngine, SchemasContainer } from '@prisma/schema-engine-wasm/schema_engine_bg'
import pg from 'pg'

import { CONNECT_TIMEOUT_MILLISECONDS, connectionError } from './connection.js'
import { engineAdapter } from './engine-adapter.js'
import { loadEngineModule } from './engine-module.js'
import { toMigrationError } from './errors.js'

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
    await connectOnce(pool, databaseUrl)
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

async function connectOnce(pool: pg.Pool, databaseUrl: string): Promise<void> {
  try {
    const client = await pool.connect()
    client.release()
  } catch (error) {
    throw connectionError(error, new pg.Client({ connectionString: databaseUrl }))
  }
}
