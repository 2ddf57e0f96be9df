import { describe, expect, it } from 'vitest'

import type { Measured } from './measure.js'
import { statisticsOf } from './statistics.js'
import { comparisonTable, failureSentence, singleTable } from './table.js'

const measured = (ms: number, more: { queryMs?: number | null; outcomes?: string[] } = {}): Measured => ({
  statistics: statisticsOf([
    { seconds: 1, samples: (more.outcomes ?? ['ok']).map((outcome) => ({ kind: 'auth.me', ms, outcome })) },
  ]),
  costs: { cpuMs: 2, queries: 1, queryMs: more.queryMs ?? null, rssBytes: 200 * 1024 * 1024 },
})
const compared = (before: Measured, after: Measured) => ({ before, after, rounds: [{ before, after }] })

describe('the tables of the load test', () => {
  it('show both sides, the change, and what was claimed of it', () => {
    const sides = compared(measured(80, { queryMs: 10 }), measured(20, { queryMs: 4 }))
    const table = comparisonTable(sides, ['off', 'on'])
    expect(table).toMatch(/^ {2}response, average +80\.0 ms +20\.0 ms +−75 % +−75 % to −75 %$/m)
    expect(table).toMatch(/^ {2}database time per request +10\.0 ms +4\.00 ms +−60 % +−60 % to −60 %$/m)
    expect(table).toMatch(/^ {2}faster responses, on average +30–50 % +75 %$/m)
    expect(table).toMatch(/^ {2}less query time per request +50–70 % +60 %$/m)
    expect(table).not.toContain('n/a')
  })

  it('show the median of the rounds, between which the changes were, and all failures', () => {
    const pair = (before: number, after: number, outcomes = ['ok']) => ({
      before: measured(before),
      after: measured(after, { outcomes }),
    })
    const rounds = [pair(100, 50), pair(200, 40), pair(300, 210, ['ok', '503'])]
    const table = comparisonTable({ ...pair(200, 100, ['ok', 'ok', 'ok', '503']), rounds }, ['off', 'on'])
    expect(table).toMatch(/^ {2}response, average +200\.0 ms +50\.0 ms +−50 % +−80 % to −30 %$/m)
    expect(table).toMatch(/^ {2}failed requests +0 % +25 %$/m)
  })

  it('say plainly what a server does not tell', () => {
    const table = singleTable(measured(20), 'http://farm.test')
    expect(table).toMatch(/^ {2}database time per request +n\/a$/m)
    expect(table).toContain('n/a: the server does not time its database operations')
  })

  it('say what failed and why, and nothing when nothing did', () => {
    expect(failureSentence('on', measured(1))).toBeNull()
    expect(failureSentence('on', measured(1, { outcomes: ['ok', '429', '500', '429'] }))).toBe(
      'on: 3 of 4 requests failed: 2 × 429 (RATE_LIMIT_PER_MINUTE of the server is in the way), 1 × 500.',
    )
  })
})
