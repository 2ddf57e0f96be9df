import pg from 'pg'

import { ADMIN_ROLE, APPLICATION_ROLE, type Credentials } from './credentials.js'
import type { Deadline } from './deadline.js'
import { EmbeddedPostgresError } from './errors.js'
import { inspectPostmaster, isRunning, type LivePostmaster } from './postmaster-file.js'

const CONNECT_TIMEOUT_MILLISECONDS = 5_000
const WRONG_PASSWORD = new Set(['28P01', '28000'])

export type ServingPostmaster = LivePostmaster & { port: number }

/**
 * Waits until the server accepts connections with our password; a server that recovers after a crash may take a while.
 * @returns null when it ended instead
 * @throws EmbeddedPostgresError `start_timeout`, `credentials_invalid`
 */
export async function waitUntilServing(
  cluster: string,
  postmaster: LivePostmaster,
  credentials: Credentials,
  deadline: Deadline,
): Promise<ServingPostmaster | null> {
  const answer = await deadline.poll<ServingPostmaster | 'ended'>(async () => {
    if (!(await isRunning(postmaster))) return 'ended'
    const state = await inspectPostmaster(cluster)
    if (state.kind !== 'live' || state.postmaster.port === null) return undefined
    const { port } = state.postmaster
    return (await isServing(port, credentials)) ? { ...state.postmaster, port } : undefined
  })
  if (answer !== undefined) return answer === 'ended' ? null : answer
  throw new EmbeddedPostgresError(
    'start_timeout',
    `The database (pid ${postmaster.pid}) did not accept connections within ${deadline.seconds} s.`,
  )
}

async function isServing(port: number, credentials: Credentials): Promise<boolean> {
  try {
    await asAdmin(port, credentials, (client) => client.query('SELECT 1'))
    return true
  } catch (error) {
    if (!(error instanceof pg.DatabaseError) || !WRONG_PASSWORD.has(error.code ?? '')) return false
    throw new EmbeddedPostgresError(
      'credentials_invalid',
      'The running database refuses the password in the credentials file. Restore the file from a backup.',
      { cause: error },
    )
  }
}

/** Makes sure that the application's role and database exist; every step may have been done before. */
export async function provision(port: number, credentials: Credentials): Promise<void> {
  await asAdmin(port, credentials, async (client) => {
    const role = client.escapeIdentifier(APPLICATION_ROLE)
    const { rowCount: roles } = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [APPLICATION_ROLE])
    if (roles === 0) {
      // CREATEDB: a new migration is computed in a throw-away database.
      await client.query(`CREATE ROLE ${role} LOGIN CREATEDB PASSWORD ${client.escapeLiteral(credentials.password)}`)
    }
    const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [APPLICATION_ROLE])
    if (rowCount === 0) await client.query(`CREATE DATABASE ${role} OWNER ${role}`)
  })
}

/** Work on a superuser's connection of its own, to the database `postgres`. */
export async function asAdmin<T>(
  port: number,
  credentials: Credentials,
  work: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client({
    host: '127.0.0.1',
    port,
    user: ADMIN_ROLE,
    password: credentials.adminPassword,
    database: 'postgres',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MILLISECONDS,
    query_timeout: 30_000,
  })
  // A server that goes away between two queries must not end this process; the query itself rejects.
  client.on('error', () => undefined)
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

export function applicationUrl(port: number, credentials: Credentials): string {
  return `postgresql://${APPLICATION_ROLE}:${credentials.password}@127.0.0.1:${port}/${APPLICATION_ROLE}`
}
