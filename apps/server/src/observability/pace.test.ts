import { expect, it } from 'vitest'

import { Pace } from './pace.js'

it('tells calls, errors and times of the last five minutes, the most called procedure first', () => {
  let nowMs = 30_000
  const pace = new Pace(() => nowMs)
  expect(pace.read()).toEqual({
    ...{ windowSeconds: 0, procedures: [] },
    requests: {
      ...{ calls: 0, errors: 0, failures: 0, callsPerSecond: 0, errorRate: null, failureRate: null },
      tookMs: { p50: null, p95: null, p99: null },
    },
  })
  for (let n = 0; n < 98; n += 1) pace.procedure('printers.list', 'ok', 0.01)
  pace.procedure('printers.list', 'refused', 1)
  nowMs += 60_000
  pace.procedure('printers.list', 'failed', 1)
  pace.procedure('auth.me', 'ok', 0.0001)
  pace.request('failed', 2)
  const { windowSeconds, requests, procedures } = pace.read()
  expect(windowSeconds).toBe(60)
  expect(requests).toMatchObject({ calls: 1, errors: 1, failures: 1, errorRate: 1, failureRate: 1 })
  expect(procedures.map(({ procedure }) => procedure)).toEqual(['printers.list', 'auth.me'])
  expect(procedures[0]).toMatchObject({ calls: 100, errors: 2, failures: 1, errorRate: 0.02, callsPerSecond: 1.6667 })
  expect(procedures[0]?.tookMs.p50).toBeLessThan(12)
  expect(procedures[0]?.tookMs.p99).toBeGreaterThan(700)

  nowMs += 4 * 60_000
  expect(pace.read().procedures[0]).toMatchObject({ calls: 1 })
  expect(pace.read().windowSeconds).toBe(270)
  nowMs += 60_000
  expect(pace.read()).toMatchObject({ requests: { calls: 0 }, procedures: [] })
})
