import { describe, expect, it } from 'vitest'

import { failuresOf, statisticsOf, type Sample } from './statistics.js'

const sample = (ms: number, outcome = 'ok', kind = 'printers.list'): Sample => ({ kind, ms, outcome })

describe('the statistics of a load', () => {
  it('are of all stretches together', () => {
    const samples = Array.from({ length: 100 }, (_, n) => sample(100 - n))
    const stretches = [
      { seconds: 1, samples: samples.slice(0, 30) },
      { seconds: 4, samples: samples.slice(30) },
    ]
    expect(statisticsOf(stretches)).toMatchObject({
      ...{ requests: 100, perSecond: 20, averageMs: 50.5, p50Ms: 50, p95Ms: 95, p99Ms: 99 },
    })
  })

  it('count what failed by its code, and failures as requests', () => {
    const samples = [sample(1), sample(1, '429'), sample(1, '503'), sample(1, '429'), sample(1, 'ECONNRESET')]
    const statistics = statisticsOf([{ seconds: 1, samples }])
    expect(statistics.requests).toBe(5)
    expect(Object.fromEntries(statistics.errors)).toEqual({ 429: 2, 503: 1, ECONNRESET: 1 })
    expect(failuresOf(statistics)).toBe(4)
  })

  it('tell the kinds apart', () => {
    const samples = [sample(4), sample(2, 'ok', 'auth.me'), sample(8)]
    const { kinds } = statisticsOf([{ seconds: 2, samples }])
    expect(kinds.get('printers.list')).toMatchObject({ requests: 2, averageMs: 6, p99Ms: 8, perSecond: 1 })
    expect(kinds.get('auth.me')).toMatchObject({ requests: 1, p50Ms: 2, perSecond: 0.5 })
  })
})
