import { describe, expect, it } from 'vitest'

import { readExposition } from '../testing/read-exposition.js'
import { createMetrics, type Metrics } from './metrics.js'

const textOf = async (metrics: Metrics) => (await metrics.expose('prometheus')).text
const ODD = 'a "quoted" \\ back\\slash\nand a line'

describe('metrics', () => {
  it('belong to one application each', async () => {
    const [one, other] = [createMetrics(), createMetrics()]
    one.procedureFinished({ procedure: 'printers.list', type: 'query', code: 'OK', durationSeconds: 0.01 })
    expect(await textOf(one)).toContain('gantry_procedure_duration_seconds_count{procedure="printers.list"')
    expect(await textOf(other)).not.toContain('printers.list')
  })

  it('read a gauge when they are scraped', async () => {
    const metrics = createMetrics({ collectDefaults: false })
    let streams = 1
    metrics.gauge('gantry_streams', 'Open streams.', () => streams)
    streams = 5
    expect(await textOf(metrics)).toContain('gantry_streams 5')
  })

  it('show nothing where nothing is known, and not a zero', async () => {
    const metrics = createMetrics({ collectDefaults: false })
    let values: { labels: object; value: number }[] = []
    metrics.readings({ type: 'gauge', name: 'gantry_lag', help: 'Lag.', labelNames: [], read: () => values })
    expect(await textOf(metrics)).not.toMatch(/^gantry_lag /m)
    values = [{ labels: {}, value: 0 }]
    expect(await textOf(metrics)).toMatch(/^gantry_lag 0$/m)
    values = []
    expect(await textOf(metrics)).not.toMatch(/^gantry_lag /m)
  })

  it('are valid as Prometheus’ text and as OpenMetrics, one after the other and at once', async () => {
    const metrics = createMetrics()
    metrics.counter('gantry_odd_total', ODD, ['name']).inc({ name: ODD }, 2)
    metrics.counter('gantry_never_total', 'Of this nothing was counted yet.', ['name'])
    metrics.histogram('gantry_seconds', 'Seconds.', ['name'], [0.5, 1, 10]).observe({ name: ODD }, 1)
    metrics.requestFinished({ method: 'GET', route: '/api/a/{id}', status: 200, durationSeconds: 0.01 })
    const formats = ['prometheus', 'openmetrics', 'openmetrics', 'prometheus'] as const
    const scrapes = await Promise.all(formats.map((format) => metrics.expose(format)))
    for (const [index, format] of formats.entries()) {
      const { text, contentType } = scrapes[index]!
      const families = readExposition(text, format)
      const isOpen = format === 'openmetrics'
      expect(contentType).toContain(
        isOpen ? 'application/openmetrics-text; version=1.0.0' : 'text/plain; version=0.0.4',
      )
      expect(families.get(isOpen ? 'gantry_odd' : 'gantry_odd_total')).toEqual({
        ...{ type: 'counter', help: ODD },
        samples: [{ name: 'gantry_odd_total', labels: { name: ODD }, value: 2 }],
      })
      const bounds = families
        .get('gantry_seconds')!
        .samples.flatMap(({ labels: { le } }) => (le === undefined ? [] : [le]))
      expect(bounds).toEqual(isOpen ? ['0.5', '1.0', '10.0', '+Inf'] : ['0.5', '1', '10', '+Inf'])
      expect(families.get(isOpen ? 'gantry_never' : 'gantry_never_total')?.samples).toEqual([])
      expect(families.has(isOpen ? 'process_cpu_seconds' : 'process_cpu_seconds_total')).toBe(true)
      expect(families.size).toBe(metrics.families().length)
    }
  })

  it('let others have their turn while thousands of lines are written', async () => {
    const metrics = createMetrics({ collectDefaults: false })
    for (let family = 0; family < 60; family += 1) {
      const histogram = metrics.histogram(`gantry_family_${family}_seconds`, 'Seconds.', ['n'])
      for (let n = 0; n < 100; n += 1) histogram.observe({ n }, n)
    }
    let turns = 0
    const count = () => {
      turns += 1
      again = setImmediate(count)
    }
    let again = setImmediate(count)
    await metrics.expose('openmetrics')
    clearImmediate(again)
    expect(turns).toBeGreaterThan(1)
  })

  it('that are switched off take everything and have nothing', async () => {
    const metrics = createMetrics({ enabled: false })
    let reads = 0
    metrics.gauge('gantry_streams', 'Open streams.', () => (reads += 1))
    metrics.counter('gantry_things_total', 'Things.', ['kind']).inc({ kind: 'a' })
    metrics.histogram('gantry_seconds', 'Seconds.').observe({}, 1)
    metrics.requestFinished({ method: 'GET', route: '/', status: 200, durationSeconds: 1 })
    expect([metrics.families(), await textOf(metrics), reads]).toEqual([[], '', 0])
  })
})
