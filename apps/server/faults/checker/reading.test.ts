import { describe, expect, it } from 'vitest'

import type { CountName } from './check.js'
import {
  emptyHistory,
  type Breakage,
  type FailedRequest,
  type Intrusion,
  type ListRead,
  type ReadingHistory,
  type WriteStep,
} from './reading-history.js'
import { lawfulFacts } from './testing/lawful-facts.js'
import { judge } from './verdict.js'

const verdictOn = (history: Partial<ReadingHistory>) =>
  judge({ ...lawfulFacts(), reading: { ...emptyHistory(), ...history } })

const countsOf = (history: Partial<ReadingHistory>): Partial<Record<CountName, number>> =>
  Object.fromEntries(Object.entries(verdictOn(history).counts).filter(([, count]) => count > 0))

const step = (version: number | null, answeredMs: number | null, change: Partial<WriteStep> = {}): WriteStep => ({
  ...{ thing: 'a', version, by: 'writer', at: 'one', sentMs: (answeredMs ?? 10_000) - 10, answeredMs },
  ...change,
})
/** Made at 1 s, renamed at 10 s, removed at 20 s. */
const LIFE = [step(1, 1_000), step(2, 10_000), step(null, 20_000)]

const read = (sentMs: number, names: string[], change: Partial<ListRead> = {}): ListRead => ({
  ...{ by: 'reader', at: 'two', sentMs, answeredMs: sentMs + 5, names },
  ...change,
})
const own = { by: 'writer', at: 'one' }

const broken = (fromMs: number, untilMs: number, stopsRequests = false): Breakage => ({
  ...{ what: 'something', fromMs, untilMs, recoveredMs: untilMs + 1_000, stopsRequests },
})

const WRONG = { 'wrong answers to readers': 1 }
const isRight = (what: ListRead, history: Partial<ReadingHistory> = {}) =>
  expect(countsOf({ steps: LIFE, reads: [what], ...history })).toEqual({})
const isWrong = (what: ListRead, history: Partial<ReadingHistory> = {}) =>
  expect(countsOf({ steps: LIFE, reads: [what], ...history })).toEqual(WRONG)

describe('a list', () => {
  it('may show what is, and what was until a second ago', () => {
    isRight(read(500, []))
    isRight(read(1_900, []))
    isRight(read(5_000, ['a v1']))
    isRight(read(10_900, ['a v1']))
    isRight(read(10_900, ['a v2']))
    isRight(read(20_900, ['a v2']))
    isRight(read(30_000, []))
  })

  it('may show what is under way, but not what has not begun', () => {
    isRight(read(9_992, ['a v2']))
    isRight(read(9_988, ['a v2'], { answeredMs: 9_995 }))
    isWrong(read(9_000, ['a v2']))
  })

  it('that lacks what was made, shows what was changed, or brings back what was removed is wrong after a second', () => {
    isWrong(read(2_100, []))
    isWrong(read(11_100, ['a v1']))
    isWrong(read(21_100, ['a v2']))
    isWrong(read(30_000, ['a v1']))
  })

  it('may be older by a second while something is broken, and until that is over', () => {
    const during = { breakages: [broken(9_000, 11_000)] }
    isRight(read(11_900, ['a v1']), during)
    isWrong(read(12_100, ['a v1']), during)
    isRight(read(11_900, ['a v1']), { breakages: [broken(5_000, 9_500)] })
    isWrong(read(11_900, ['a v1']), { breakages: [broken(5_000, 8_000)] })
  })

  it('of who made the change, by the same instance, shows it at once, whatever is broken', () => {
    const during = { breakages: [broken(0, 60_000)] }
    isWrong(read(10_001, ['a v1'], own), during)
    isRight(read(10_001, ['a v2'], own), during)
    isRight(read(10_001, ['a v1'], { ...own, at: 'two' }), during)
    isRight(read(10_001, ['a v1'], { ...own, by: 'reader' }), during)
  })

  it('shows it also when something older is not due yet', () => {
    const steps = [step(1, 1_000), step(2, 10_000, { at: 'two' }), step(3, 10_100)]
    expect(countsOf({ steps, reads: [read(10_200, ['a v1'], own)] })).toEqual(WRONG)
  })

  it('may show either while nobody knows whether something was carried out', () => {
    const steps = [step(1, 1_000), step(2, null)]
    expect(countsOf({ steps, reads: [read(60_000, ['a v1']), read(60_000, ['a v2'])] })).toEqual({})
    expect(countsOf({ steps, reads: [read(60_000, [])] })).toEqual(WRONG)
  })

  it('that shows what nobody wrote, or one thing twice, is wrong', () => {
    isWrong(read(5_000, ['a v1', 'b v1']))
    isWrong(read(10_500, ['a v1', 'a v2']))
    isWrong(read(5_000, ['a v1', 'a v1']))
  })

  it('is told with who asked, what it showed and what was to be shown', () => {
    const { violations } = verdictOn({ steps: LIFE, reads: [read(12_000, ['a v1'])] })
    expect(violations['wrong answers to readers']).toEqual([
      'the list of reader from two at 12000 ms still shows version 1 of a 2000 ms after writer wrote version 2 at one',
    ])
  })
})

describe('somebody who must not see it', () => {
  const shown = (sentMs: number, change: Partial<Intrusion> = {}): Intrusion => ({
    ...{ by: 'guest', at: 'two', what: 'a list', sentMs, forbiddenSinceMs: 10_000, forbiddenAt: 'one' },
    ...change,
  })

  it('is shown nothing by who has forbidden it, and nothing by others after a second', () => {
    expect(countsOf({ intrusions: [shown(10_900)] })).toEqual({})
    expect(countsOf({ intrusions: [shown(11_100)] })).toEqual(WRONG)
    expect(countsOf({ intrusions: [shown(10_001, { at: 'one' })] })).toEqual(WRONG)
  })

  it('is never shown what was never allowed', () => {
    const never = { forbiddenSinceMs: -Infinity, forbiddenAt: null }
    expect(countsOf({ intrusions: [shown(1, never)], breakages: [broken(0, 60_000, true)] })).toEqual(WRONG)
  })
})

describe('a request without its answer', () => {
  const failed = (sentMs: number, change: Partial<FailedRequest> = {}): FailedRequest => ({
    ...{ by: 'reader', at: 'one', what: 'a list', sentMs, endedMs: sentMs + 10, kind: 'answered' as const },
    ...{ status: 503, code: 'UNAVAILABLE', saysWhenToRetry: true, ...change },
  })
  const breakages = [broken(10_000, 12_000, true)]
  const OUT_OF_TURN = { 'errors out of turn': 1 }

  it('is told when to come again, or cut off, while the database is away and five seconds longer', () => {
    for (const sentMs of [9_995, 11_000, 16_900])
      expect(countsOf({ breakages, failures: [failed(sentMs)] })).toEqual({})
    expect(countsOf({ breakages, failures: [failed(11_000, { status: 207 })] })).toEqual({})
    expect(countsOf({ breakages, failures: [failed(11_000, { kind: 'cut', status: null, code: null })] })).toEqual({})
  })

  it('counts before and after', () => {
    for (const sentMs of [9_000, 17_100])
      expect(countsOf({ breakages, failures: [failed(sentMs)] })).toEqual(OUT_OF_TURN)
  })

  it('counts whatever else is broken', () => {
    expect(countsOf({ breakages: [broken(10_000, 12_000)], failures: [failed(11_000)] })).toEqual(OUT_OF_TURN)
  })

  it.each([
    ['in several words', { status: 207, code: 'UNAVAILABLE, INTERNAL' }],
    ['in other words', { status: 500, code: 'INTERNAL' }],
    ['without the time to come again', { saysWhenToRetry: false }],
    ['as a timeout', { status: 504, code: 'DEADLINE_EXCEEDED' }],
    ['never', { kind: 'silent' as const, status: null, code: null }],
  ])('counts when it is told %s', (_how, change) => {
    expect(countsOf({ breakages, failures: [failed(11_000, change)] })).toEqual(OUT_OF_TURN)
  })
})

it('a server that ended although nobody had asked it to counts, with what it said', () => {
  const { counts, violations } = judge({
    ...lawfulFacts(),
    deaths: ['gantry-1 ended with code 1: Error: nobody caught me'],
  })
  expect(counts['servers that ended by themselves']).toBe(1)
  expect(violations['servers that ended by themselves']).toEqual([
    'gantry-1 ended with code 1: Error: nobody caught me',
  ])
})
