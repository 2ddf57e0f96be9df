import pg from 'pg'

import type { Logger } from '../../kernel/logger.port.js'

/** Within what time a server says where it stands, or counts as failing. */
const ANSWER_WITHIN_MS = 1_000

/** Where one server stands in the write-ahead log. */
export interface Position {
  /** On the primary what is written, on a replica what is replayed. */
  lsn: bigint
  isReplica: boolean
  /** Names the cluster and the database in it: the same on the primary and on every replica of it. */
  origin: string
  latencyMs: number
}

/** Asks a server where it stands, on a connection of its own: it must not stand in line behind the reads it judges. */
export class Probe {
  private readonly pool: pg.Pool

  /** @param onLost called when a connection that answered before breaks: the server may have come back older than it was */
  constructor(
    url: string,
    applicationName: string,
    log: Logger,
    onLost: () => void = () => undefined,
    answerWithinMs = ANSWER_WITHIN_MS,
  ) {
    this.pool = new pg.Pool({
      connectionString: url,
      max: 1,
      application_name: applicationName,
      connectionTimeoutMillis: answerWithinMs,
      statement_timeout: answerWithinMs,
      query_timeout: answerWithinMs,
      keepAlive: true,
    })
    this.pool.on('error', (err) => {
      log.debug({ err }, 'the connection of a database check was lost')
      onLost()
    })
  }

  /** For other questions that must not stand in line. @throws what pg throws when there is no answer in time */
  async query<R extends pg.QueryResultRow>(sql: string): Promise<R[]> {
    return (await this.pool.query<R>(sql)).rows
  }

  /** @throws what pg throws when there is no answer in time */
  async ask(): Promise<Position> {
    const startedMs = performance.now()
    const [row] = await this.query<{ lsn: string | null; isReplica: boolean; origin: string }>(`
      select pg_is_in_recovery() as "isReplica",
        (case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end - '0/0')::text as lsn,
        (select system_identifier from pg_control_system()) || '/' ||
          (select oid from pg_database where datname = current_database()) as origin`)
    if (row === undefined) throw new Error('the server did not say where it stands')
    const { lsn, isReplica, origin } = row
    return { lsn: BigInt(lsn ?? 0), isReplica, origin, latencyMs: performance.now() - startedMs }
  }

  close(): Promise<void> {
    return this.pool.end()
  }
}
