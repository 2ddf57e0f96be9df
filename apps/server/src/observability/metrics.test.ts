import { describe, expect, it } from 'vitest'

import { createMetrics } from './metrics.js'

describe('metrics', () => {
  it('belong to one application each', async () => {
    const [one, other] = [createMetrics(), createMetrics()]
    one.procedureFinished({ procedure: 'printers.list', type: 'query', code: 'OK', durationSeconds: 0.01 })
    expect(await one.registry.metrics()).toContain('gantry_procedure_duration_seconds_count{procedure="printers.list"')
    expect(await other.registry.metrics()).not.toContain('printers.list')
  })

  it('read a gauge when they are scraped', async () => {
    const metrics = createMetrics({ collectDefaults: false })
    let streams = 1
    metrics.gauge('gantry_streams', 'Open streams.', () => streams)
    streams = 5
    expect(await metrics.registry.metrics()).toContain('gantry_streams 5')
  })
})
