import { describe, expect, it } from 'vitest'

import { createMetrics, databaseMetrics } from './metrics.js'

describe('metrics', () => {
  it('belong to one application each', async () => {
    const [one, other] = [createMetrics(), createMetrics()]
    one.procedureFinished({ procedure: 'printers.list', type: 'query', code: 'OK', durationSeconds: 0.01 })
    expect(await one.registry.metrics()).toContain('gantry_procedure_duration_seconds_count{procedure="printers.list"')
    expect(await other.registry.metrics()).not.toContain('printers.list')
  })

  it('time database operations by model, raw SQL as such', async () => {
    const metrics = createMetrics({ collectDefaults: false })
    const observer = databaseMetrics(metrics)
    const ended = { database: 'primary', failed: false, durationSeconds: 0.01 }
    observer.operationEnded({ ...ended, model: 'Printer', operation: 'findMany' })
    observer.operationEnded({ ...ended, model: null, operation: '$queryRaw', failed: true })
    const text = await metrics.registry.metrics()
    const name = 'gantry_database_operation_duration_seconds_count'
    expect(text).toContain(`${name}{database="primary",model="Printer",operation="findMany",outcome="ok"} 1`)
    expect(text).toContain(`${name}{database="primary",model="raw",operation="$queryRaw",outcome="failed"} 1`)
  })

  it('read a gauge when they are scraped', async () => {
    const metrics = createMetrics({ collectDefaults: false })
    let streams = 1
    metrics.gauge('gantry_streams', 'Open streams.', () => streams)
    streams = 5
    expect(await metrics.registry.metrics()).toContain('gantry_streams 5')
  })
})
