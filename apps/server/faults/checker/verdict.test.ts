import { describe, expect, it } from 'vitest'

import { COUNTS, type CountName } from './check.js'
import type { AlarmRow, AttemptRow, EventRow, Facts } from './facts.js'
import { JOB, lawfulFacts, nameOf } from './testing/lawful-facts.js'
import { judge } from './verdict.js'

const countsOf = (change: (facts: Facts) => Partial<Facts>): Partial<Record<CountName, number>> => {
  const facts = lawfulFacts()
  const { counts } = judge({ ...facts, ...change(facts) })
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0))
}

const first = <T>(values: readonly T[]): T => {
  const [value] = values
  if (value === undefined) throw new Error('there is none')
  return value
}

const startedAgain = (facts: Facts, printer: string, bedWasOccupied = false): Partial<Facts> => {
  const again: AttemptRow = { ...first(facts.attempts), id: 'att_3', remoteName: nameOf(1, 'bbbbbbbbbb'), printer }
  const life = facts.events.slice(0, 5).map((event, index) => eventOf(30 + index, 'att_3', event.payload))
  return {
    starts: [...facts.starts, { ...first(facts.starts), name: again.remoteName, printer, bedWasOccupied }],
    attempts: [...facts.attempts, again],
    ...withEvents(facts, life),
  }
}

const eventOf = (seq: number, subjectId: string, payload: Record<string, unknown>, type = 'attempt.changed') => ({
  ...{ cursor: `${seq}-${seq}`, seq, type, subjectId, payload },
})

/** In the log, and told live. */
const withEvents = ({ events, streams }: Facts, more: EventRow[]): Pick<Facts, 'events' | 'streams'> => ({
  events: [...events, ...more],
  streams: streams.map((stream) => {
    const told = more.filter(({ type }) => type.startsWith('alarm.') === (stream.name === 'alarms'))
    return { ...stream, events: [...stream.events, ...told.map(({ cursor }) => ({ cursor }))] }
  }),
})

const alarmOf = (code: string, subjectId: string, isOpen = true, id = 'alm_1'): AlarmRow => ({
  ...{ id, code, subjectType: 'attempt', subjectId, isOpen },
})
const raised = (seq: number, id = 'alm_1') => eventOf(seq, id, {}, 'alarm.raised')

describe('the checker', () => {
  it('finds nothing where everything is as it should be', () => {
    expect(countsOf(() => ({}))).toEqual({})
  })

  it('has a word for each count, and each can be above zero', () => {
    expect(Object.keys(judge(lawfulFacts()).counts)).toEqual(COUNTS)
  })
})

describe('starts', () => {
  it('of one copy under two names count, on one printer or on two', () => {
    expect(countsOf((facts) => startedAgain(facts, 'octoprint-1'))).toEqual({ 'starts per copy above 1': 1 })
    expect(countsOf((facts) => startedAgain(facts, 'octoprint-2'))).toEqual({
      'starts per copy above 1': 1,
      'printers per copy above 1': 1,
    })
  })

  it('of one name twice count', () => {
    expect(countsOf(({ starts }) => ({ starts: [...starts, first(starts)] }))).toEqual({ 'starts per copy above 1': 1 })
  })

  it('of a name that is no attempt count, whoever gave it', () => {
    const unknown = (name: string) =>
      countsOf(({ starts }) => ({ starts: [...starts, { ...first(starts), name }] }))['starts per copy above 1']
    expect(unknown(nameOf(7))).toBe(1)
    expect(unknown('benchy.gcode')).toBe(1)
  })

  it('count once more where a person said that nothing was printed, and no oftener', () => {
    const resolved = (facts: Facts): Partial<Facts> => {
      const again = startedAgain(facts, 'octoprint-2')
      const attempts = (again.attempts ?? []).map((attempt) =>
        attempt.id === 'att_1' ? { ...attempt, state: 'failed' } : attempt,
      )
      const events = (again.events ?? []).map((event) =>
        event.subjectId === 'att_1' && event.payload['to'] === 'completed'
          ? { ...event, payload: { ...event.payload, to: 'failed' } }
          : event,
      )
      return { ...again, attempts, events, decisions: { ...facts.decisions, saidNotPrinted: new Set(['att_1']) } }
    }
    expect(countsOf(resolved)).toEqual({})
    expect(countsOf((facts) => ({ ...resolved(facts), decisions: facts.decisions }))).toMatchObject({
      'starts per copy above 1': 1,
      'printers per copy above 1': 1,
    })
  })

  it('on an occupied bed count, by the book and by the machine', () => {
    const inBook = countsOf(({ starts }) => ({
      starts: starts.map((start) => ({ ...start, bedWasOccupied: true })),
      machine: { startsOnOccupiedBed: 2, gcodeWhilePrinting: 0, mismatchedStarts: 0 },
    }))
    expect(inBook).toEqual({ 'starts on an occupied bed': 2 })
  })

  it('with another material, and g-code while it prints, count as the machines say; what they do not say is no zero', () => {
    const machine = { startsOnOccupiedBed: 1, gcodeWhilePrinting: 2, mismatchedStarts: 3 }
    expect(countsOf(() => ({ machine }))).toEqual({
      'starts on an occupied bed': 1,
      'mismatched material or nozzle': 3,
      'g-code while printing': 2,
    })
    expect(countsOf(() => ({ machine: { ...machine, startsOnOccupiedBed: 0, mismatchedStarts: NaN } }))).toMatchObject({
      'mismatched material or nozzle': 1,
    })
  })
})

describe('copies', () => {
  it('that are neither printed nor held nor given up are lost', () => {
    const still = countsOf(({ jobs, copies }) => ({
      jobs: jobs.map((job) => ({ ...job, done: 1, queued: 1 })),
      copies: copies.map((copy) => (copy.number === 2 ? { ...copy, state: 'queued' } : copy)),
      starts: [],
      attempts: [],
      ...withEvents({ ...lawfulFacts(), events: [] }, []),
    }))
    expect(still['copies lost']).toBeGreaterThanOrEqual(1)
  })

  it('that count as done, and that no printer has printed, are lost', () => {
    expect(
      countsOf(({ starts }) => ({ starts: starts.map((start) => ({ ...start, outcome: 'failed' as const })) })),
    ).toEqual({ 'copies lost': 2 })
  })

  it('that were printed and do not count as done are lost', () => {
    const held = countsOf(({ jobs, copies }) => ({
      jobs: jobs.map((job) => ({ ...job, done: 1, held: 1 })),
      copies: copies.map((copy) => (copy.number === 2 ? { ...copy, state: 'held' } : copy)),
    }))
    expect(held).toEqual({ 'copies lost': 1 })
  })

  it('of an order that is not there, there twice, or smaller are lost', () => {
    const ordered = (orders: Facts['orders']) => countsOf(() => ({ orders }))['copies lost']
    expect(ordered([{ jobId: JOB, copies: 5 }])).toBe(3)
    expect(
      ordered([
        { jobId: JOB, copies: 2 },
        { jobId: 'job_other', copies: 4 },
      ]),
    ).toBe(4)
    expect(ordered([])).toBe(1)
  })

  it('whose states are other than the job says are lost', () => {
    expect(countsOf(({ jobs }) => ({ jobs: jobs.map((job) => ({ ...job, done: 1, cancelled: 1 })) }))).toEqual({
      'copies lost': 2,
    })
  })
})

describe('alarms', () => {
  const unknownAttempt = (facts: Facts): Partial<Facts> => {
    const events = [
      ...facts.events.filter(({ payload, subjectId }) => subjectId !== 'att_1' || payload['to'] !== 'completed'),
      eventOf(40, 'att_1', { from: 'printing', to: 'unknown' }),
    ]
    const attempts = facts.attempts.map((row) => (row.id === 'att_1' ? { ...row, state: 'unknown' } : row))
    const streams = facts.streams.map((stream) =>
      stream.name === 'printJobs' ? { ...stream, events: events.map(({ cursor }) => ({ cursor })) } : stream,
    )
    return { events, attempts, streams }
  }
  const wrongAlarms = (change: (facts: Facts) => Partial<Facts>) =>
    countsOf((facts) => {
      const base = { ...facts, ...unknownAttempt(facts) }
      return { ...base, ...change(base) }
    })['alarms missing or doubled'] ?? 0

  it('are missing where an attempt is unknown and nobody is told', () => {
    expect(wrongAlarms(() => ({}))).toBeGreaterThanOrEqual(1)
  })

  it('are right where one is open and was told once', () => {
    const alarms = [alarmOf('ATTEMPT_UNKNOWN', 'att_1')]
    expect(wrongAlarms((facts) => ({ alarms, ...withEvents(facts, [raised(41)]) }))).toBe(0)
  })

  it('are doubled where two are open, or one was told twice', () => {
    const twice = [alarmOf('ATTEMPT_UNKNOWN', 'att_1'), alarmOf('PRINTER_LOST', 'att_1', true, 'alm_2')]
    const told = (facts: Facts) => withEvents(facts, [raised(41), raised(42, 'alm_2')])
    expect(wrongAlarms((facts) => ({ alarms: twice, ...told(facts) }))).toBeGreaterThanOrEqual(1)
    const once = [alarmOf('ATTEMPT_UNKNOWN', 'att_1')]
    expect(wrongAlarms((facts) => ({ alarms: once, ...withEvents(facts, [raised(41), raised(42)]) }))).toBe(1)
  })

  it('are wrong where they stay open although all is known', () => {
    const alarms = [alarmOf('ATTEMPT_UNKNOWN', 'att_2')]
    expect(countsOf((facts) => ({ alarms, ...withEvents(facts, [raised(41)]) }))).toEqual({
      'alarms missing or doubled': 2,
    })
  })

  it('are missing where a print failed', () => {
    const failed = (facts: Facts): Partial<Facts> => ({
      attempts: facts.attempts.map((row) =>
        row.id === 'att_1' ? { ...row, state: 'failed', reasonCode: 'PRINT_FAILED' } : row,
      ),
      events: facts.events.map((event) =>
        event.subjectId === 'att_1' && event.payload['to'] === 'completed'
          ? { ...event, payload: { from: 'printing', to: 'failed' } }
          : event,
      ),
    })
    expect(countsOf(failed)).toEqual({ 'alarms missing or doubled': 1 })
  })
})

describe('events', () => {
  const KEY = 'gaps or doubles in the event log'
  const jobsStream = ({ streams }: Facts, change: (events: Facts['streams'][number]['events']) => typeof events) =>
    streams.map((stream) => (stream.name === 'printJobs' ? { ...stream, events: change(stream.events) } : stream))

  it('that were not told, told twice, told out of order, or are nowhere in the log count', () => {
    expect(countsOf((facts) => ({ streams: jobsStream(facts, (events) => events.slice(1)) }))).toEqual({ [KEY]: 1 })
    expect(
      countsOf((facts) => ({ streams: jobsStream(facts, (events) => events.toSpliced(2, 0, first(events))) }))[KEY],
    ).toBeGreaterThanOrEqual(1)
    expect(countsOf((facts) => ({ streams: jobsStream(facts, (events) => events.toReversed()) }))[KEY]).toBeGreaterThan(
      1,
    )
    expect(countsOf((facts) => ({ streams: jobsStream(facts, (events) => [...events, { cursor: '99-99' }]) }))).toEqual(
      { [KEY]: 1 },
    )
  })

  it('of streams that began anew, ended, or never began count', () => {
    const of = (change: Partial<Facts['streams'][number]>) =>
      countsOf(({ streams }) => ({ streams: [{ ...first(streams), ...change }] }))[KEY]
    expect(of({ resyncs: 2 })).toBe(2)
    expect(of({ end: { type: 'completed' } })).toBe(1)
    expect(of({ from: null })).toBe(1)
  })

  it('that no attempt can live through count', () => {
    const without = (to: string) =>
      countsOf((facts) => {
        const events = facts.events.filter((event) => event.subjectId !== 'att_1' || event.payload['to'] !== to)
        return { events, streams: jobsStream(facts, () => events.map(({ cursor }) => ({ cursor }))) }
      })
    expect(without('starting')).toEqual({ [KEY]: 1 })
    expect(without('completed')).toEqual({ [KEY]: 1 })
  })
})

describe('rows', () => {
  it('that stay where nothing should stay count', () => {
    expect(countsOf(() => ({ stuck: [{ what: 'attempt', id: 'att_1', state: 'starting', seconds: 31 }] }))).toEqual({
      'rows stuck in a passing state': 1,
    })
  })
})
