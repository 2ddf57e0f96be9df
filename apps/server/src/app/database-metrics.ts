import { every, type CallOff, type DatabaseObserver, type Timers } from '../kernel/index.js'
import type { Metrics } from '../observability/metrics.js'
import type { Persistence } from './persistence.js'

/** What the database layer tells, as numbers; null where none are wanted, so that nobody need tell. */
export const databaseObserver = (metrics: Metrics): DatabaseObserver | null => {
  if (!metrics.enabled) return null
  const operations = metrics.histogram(
    'gantry_database_operation_duration_seconds',
    'Time of one operation of the database client.',
    ['database', 'model', 'operation', 'outcome'],
  )
  const reads = metrics.counter(
    'gantry_database_reads_total',
    'Reads that a replica may serve, by who served them; counted only where there are replicas.',
    ['served_by'],
  )
  const lost = metrics.counter(
    'gantry_database_replicas_lost_total',
    'How often no replica was left and the primary had to serve all reads.',
  )
  return {
    operationEnded: ({ database, model, operation, failed, durationSeconds }) =>
      operations.observe(
        { database, model: model ?? 'raw', operation, outcome: failed ? 'failed' : 'ok' },
        durationSeconds,
      ),
    readServed: (by) => reads.inc({ served_by: by }),
    replicasChanged: (anyUsable) => {
      if (!anyUsable) lost.inc()
    },
  }
}

/** How often the primary is asked whether it is there: what is gone shows before the next scrape but one. */
const ASK_EVERY_MS = 5_000
/** An answer that old says nothing any more. */
const TOO_OLD_MS = 8_000

export interface DatabaseGaugesDeps {
  metrics: Metrics
  persistence: Pick<Persistence, 'databaseHealth' | 'pools' | 'replicas' | 'usableReplicas'>
  clock: Timers
}

/** How this process reaches its databases: pools, replicas, and whether the primary answers. */
export const showDatabasesIn = ({ metrics, persistence, clock }: DatabaseGaugesDeps): { stop: CallOff } => {
  showPools(metrics, persistence)
  showReplicas(metrics, persistence)
  let answeredAtMs: number | null = null
  const ask = () => {
    void persistence.databaseHealth().then(({ primary }) => {
      answeredAtMs = primary.reachable ? clock.monotonicMs() : null
    })
  }
  metrics.gauge('gantry_database_reachable', '1 while the primary answers this process.', () =>
    Number(answeredAtMs !== null && clock.monotonicMs() - answeredAtMs < TOO_OLD_MS),
  )
  if (!metrics.enabled) return { stop: () => undefined }
  ask()
  return { stop: every(clock, ASK_EVERY_MS, ask) }
}

const showPools = (metrics: Metrics, { pools }: DatabaseGaugesDeps['persistence']): void => {
  metrics.readings({
    type: 'gauge',
    name: 'gantry_database_pool_connections',
    help: 'Connections of this process, by what they do: idle, or used.',
    labelNames: ['database', 'state'],
    read: () =>
      pools().flatMap(({ database, pool: { total, idle } }) => [
        { labels: { database, state: 'idle' }, value: idle },
        { labels: { database, state: 'used' }, value: total - idle },
      ]),
  })
  metrics.readings({
    type: 'gauge',
    name: 'gantry_database_pool_max',
    help: 'Connections that this process may have at most.',
    labelNames: ['database'],
    read: () => pools().map(({ database, pool }) => ({ labels: { database }, value: pool.max })),
  })
  metrics.readings({
    type: 'gauge',
    name: 'gantry_database_pool_waiting',
    help: 'Operations of this process that wait for a connection.',
    labelNames: ['database'],
    read: () => pools().map(({ database, pool }) => ({ labels: { database }, value: pool.waiting })),
  })
}

const showReplicas = (metrics: Metrics, persistence: DatabaseGaugesDeps['persistence']): void => {
  metrics.gauge('gantry_database_replicas_usable', 'Replicas that this process reads.', persistence.usableReplicas)
  metrics.readings({
    type: 'gauge',
    name: 'gantry_database_replica_usable',
    help: '1 while this process reads the replica, by host, port and database.',
    labelNames: ['database'],
    read: () =>
      persistence.replicas().map(({ name, state }) => ({
        labels: { database: name },
        value: Number(state === 'usable'),
      })),
  })
  metrics.readings({
    type: 'gauge',
    name: 'gantry_database_replica_lag_seconds',
    help: 'How old at most is what the replica shows; absent while that is not known.',
    labelNames: ['database'],
    read: () =>
      persistence
        .replicas()
        .flatMap(({ name, lagSeconds }) =>
          lagSeconds === null ? [] : [{ labels: { database: name }, value: lagSeconds }],
        ),
  })
}
