import type { DatabaseReplicaHealth } from '@gantry/schemas'
import { describe, expect, it } from 'vitest'

import { createMetrics } from '../observability/metrics.js'
import { ManualClock } from '../testing/manual-clock.js'
import { databaseObserver, showDatabasesIn } from './database-metrics.js'

describe('databases in the metrics', () => {
  it('have their operations timed by model, raw SQL as such', async () => {
    const metrics = createMetrics({ collectDefaults: false })
    const observer = databaseObserver(metrics)!
    const ended = { database: 'primary', failed: false, durationSeconds: 0.01 }
    observer.operationEnded({ ...ended, model: 'Printer', operation: 'findMany' })
    observer.operationEnded({ ...ended, model: null, operation: '$queryRaw', failed: true })
    const { text } = await metrics.expose('prometheus')
    const name = 'gantry_database_operation_duration_seconds_count'
    expect(text).toContain(`${name}{database="primary",model="Printer",operation="findMany",outcome="ok"} 1`)
    expect(text).toContain(`${name}{database="primary",model="raw",operation="$queryRaw",outcome="failed"} 1`)
  })

  it('are observed by nobody where metrics are switched off', () => {
    expect(databaseObserver(createMetrics({ enabled: false }))).toBeNull()
  })

  it('show pools and replicas as they are, and within seconds that the primary is gone or back', async () => {
    const [metrics, clock] = [createMetrics({ collectDefaults: false }), new ManualClock()]
    let answers: boolean | 'never' = true
    const pool = { max: 10, total: 4, idle: 1, waiting: 2 }
    const replica = (name: string, state: DatabaseReplicaHealth['state'], lagSeconds: number | null) => ({
      ...{ name, state, lagSeconds, latencySeconds: null, outstandingReads: 0, pool },
    })
    const { stop } = showDatabasesIn({
      ...{ metrics, clock },
      persistence: {
        databaseHealth: () => {
          if (answers === 'never') return new Promise(() => undefined)
          const primary = { reachable: answers, latencySeconds: null, error: null, pool }
          return Promise.resolve({ primary, replicas: [], maxLagSeconds: 1 })
        },
        pools: () => [{ database: 'primary', pool }],
        replicas: () => [replica('one:5432/gantry', 'usable', 0.2), replica('two:5432/gantry', 'failing', null)],
        usableReplicas: () => 1,
      },
    })
    const text = async () => (await metrics.expose('prometheus')).text
    await clock.advance(0)
    for (const line of [
      'gantry_database_pool_connections{database="primary",state="idle"} 1',
      'gantry_database_pool_connections{database="primary",state="used"} 3',
      'gantry_database_pool_max{database="primary"} 10',
      'gantry_database_pool_waiting{database="primary"} 2',
      'gantry_database_replicas_usable 1',
      'gantry_database_replica_usable{database="one:5432/gantry"} 1',
      'gantry_database_replica_usable{database="two:5432/gantry"} 0',
      'gantry_database_replica_lag_seconds{database="one:5432/gantry"} 0.2',
      'gantry_database_reachable 1',
    ])
      expect(await text()).toContain(`\n${line}\n`)
    expect(await text()).not.toContain('lag_seconds{database="two')
    for (const [state, number] of [
      [false, 0],
      [true, 1],
      ['never', 0],
    ] as const) {
      answers = state
      await clock.advance(9_000)
      expect(await text()).toContain(`gantry_database_reachable ${number}`)
    }
    stop()
  })
})
