import pg from 'pg'

import { MigrationError } from './errors.js'

export const CONNECT_TIMEOUT_MILLISECONDS = 10_000

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

/** Nothing of the connection string is shown: it holds a password. */
export function connectionError(cause: unknown): MigrationError {
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
