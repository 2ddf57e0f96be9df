import pg from 'pg'

import { GantryError } from '../kernel/errors.js'
import { Prisma } from './generated/client.js'

/** What PostgreSQL said, as the pg adapter hands it on in `meta.driverAdapterError`, or pg itself throws it. */
interface DatabaseCause {
  /** The SQLSTATE. */
  code: string | null
  /** The adapter's word for what happened to the connection, where the server said nothing. */
  kind: string | null
  /** The constraint or index that was violated, partial unique indexes included. */
  index: string | null
  message: string | null
}

const record = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}

const text = (value: unknown): string | null => (typeof value === 'string' ? value : null)

// Model calls (P2002, P2034 …) and raw queries (P2010) carry the same cause; only their Prisma codes differ.
const causeOf = (error: unknown): DatabaseCause => {
  if (error instanceof pg.DatabaseError) {
    return { code: text(error.code), kind: null, index: text(error.constraint), message: error.message }
  }
  const adapterError = error instanceof Prisma.PrismaClientKnownRequestError ? error.meta?.driverAdapterError : error
  // What fails while Prisma begins or ends a transaction comes as the adapter threw it.
  if (record(adapterError).name !== 'DriverAdapterError') return { code: null, kind: null, index: null, message: null }
  const cause = record(record(adapterError).cause)
  return {
    code: text(cause.originalCode) ?? text(cause.code),
    kind: text(cause.kind),
    index: text(record(cause.constraint).index),
    message: text(cause.originalMessage) ?? text(cause.message),
  }
}

/** Whether this very index refused the row, in a model call or in raw SQL. `indexName` as in the migration. */
export const isUniqueViolation = (error: unknown, indexName: string): boolean => {
  const cause = causeOf(error)
  return cause.code === '23505' && cause.index === indexName
}

/** Whether a row refers to one that is not there, by this very constraint. `constraintName` as in the migration. */
export const isForeignKeyViolation = (error: unknown, constraintName: string): boolean => {
  const cause = causeOf(error)
  return cause.code === '23503' && cause.index === constraintName
}

/** Whether a statement whose plan is kept fails because a migration has changed what its columns are. */
export const isOutdatedPlan = (error: unknown): boolean => {
  const { code, message } = causeOf(error)
  return code === '0A000' && message?.includes('cached plan') === true
}

/** Whether the same transaction may succeed when it is tried again: serialization failure, deadlock, outdated plan. */
export const isTransient = (error: unknown): boolean => {
  const { code } = causeOf(error)
  return code === '40001' || code === '40P01' || isOutdatedPlan(error)
}

// Connection exceptions, operator intervention (shutdown, statement timeout), out of resources, login refused, no such
// database, lock timeout, and an idle transaction that the server ended.
const UNAVAILABLE_STATES = /^(?:08|57|53|28|3D000|55P03|25P03)/

const UNAVAILABLE_PRISMA_CODES: readonly string[] = [
  'P1000', // login refused
  'P1001', // cannot reach the server
  'P1002', // reached, but timed out
  'P1003', // no such database
  'P1008', // operation timed out
  'P1010', // access denied
  'P1017', // server closed the connection
  'P2024', // no connection from the pool in time
  'P2028', // the transaction could not start in time or outlived its limit
]

// pg and its pool report these as plain errors without any code, and what the system said of the socket as it came.
const UNAVAILABLE_MESSAGES =
  /timeout exceeded when trying to connect|connection terminated|not queryable|query read timeout|connection ended|calling end on the pool|ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN/i

/** A host of several addresses that all refuse has an error without a message. */
const wordsOf = (error: Error): string => `${error.name} ${error.message} ${text(record(error).code) ?? ''}`

// What the system said of the socket: reset, refused or no such host, timed out, no TLS. Model calls give it a code of
// Prisma's own; raw queries (P2010) and transactions do not.
const LOST_KINDS: readonly string[] = ['ConnectionClosed', 'DatabaseNotReachable']
const UNAVAILABLE_KINDS: readonly string[] = [...LOST_KINDS, 'SocketTimeout', 'TlsConnectionError']

const isUnavailable = (error: unknown): boolean => {
  const { code, kind } = causeOf(error)
  if (code !== null) return UNAVAILABLE_STATES.test(code)
  if (kind !== null && UNAVAILABLE_KINDS.includes(kind)) return true
  if (error instanceof Prisma.PrismaClientKnownRequestError && UNAVAILABLE_PRISMA_CODES.includes(error.code))
    return true
  return error instanceof Error && !(error instanceof GantryError) && UNAVAILABLE_MESSAGES.test(wordsOf(error))
}

const LOST_STATES = /^(?:08|57P0[123])/

const LOST_MESSAGES =
  /connection terminated|not queryable|connection ended|ECONNREFUSED|ECONNRESET|EPIPE|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN/i

/**
 * Whether the connection broke, or the server is on its way down or up: the same may succeed in a moment. What ran out
 * of time is not among it: repeated, it would only stand in line once more.
 */
export const isConnectionLost = (error: unknown): boolean => {
  if (error instanceof GantryError) return error.code === 'UNAVAILABLE' && isConnectionLost(error.cause)
  const { code, kind } = causeOf(error)
  if (code !== null) return LOST_STATES.test(code)
  if (kind !== null && LOST_KINDS.includes(kind)) return true
  if (!(error instanceof Error) || /time-?out/i.test(error.message)) return false
  if (error instanceof Prisma.PrismaClientKnownRequestError && ['P1001', 'P1017'].includes(error.code)) return true
  return LOST_MESSAGES.test(wordsOf(error))
}

/** `UNAVAILABLE` for a database that cannot answer just now; every other error as it came. */
export const mapDatabaseError = (error: unknown): unknown =>
  isUnavailable(error) ? new GantryError('UNAVAILABLE', { detail: 'the database cannot answer', cause: error }) : error
