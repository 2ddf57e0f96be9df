import { describe, expect, it } from 'vitest'

import type { EventPayloads, NewEvent } from '../kernel/index.js'
import type { AttemptFacts } from '../modules/system/census.ports.js'
import { createMetrics } from '../observability/metrics.js'
import { ManualClock } from '../testing/manual-clock.js'
import { openPrintingDatabase } from '../testing/printing-database.js'
import { readExposition } from '../testing/read-exposition.js'
import { recordingLogger } from '../testing/recording-logger.js'
import { countAttemptsIn } from './attempt-metrics.js'

type Move = Pick<EventPayloads['attempt.changed'], 'attemptId' | 'from' | 'to'>

const open = (attempts: (ids: readonly string[]) => Promise<AttemptFacts[]>) => {
  const [metrics, clock, log] = [createMetrics({ collectDefaults: false }), new ManualClock(), recordingLogger()]
  const handlers = new Set<(events: readonly NewEvent[]) => void>()
  const bus = {
    onRecorded: (handler: (events: readonly NewEvent[]) => void) => {
      handlers.add(handler)
      return () => handlers.delete(handler)
    },
  }
  const { stop } = countAttemptsIn({ metrics, bus, census: { attempts }, clock, log })
  const record = (...moves: Move[]) => {
    const events = moves.map((move): NewEvent => ({
      ...{ type: 'attempt.changed', subjectType: 'attempt', subjectId: move.attemptId },
      payload: { ...move, jobId: 'job', printerId: 'prn' },
    }))
    for (const handler of handlers) handler(events)
  }
  const seen = async () => {
    const families = readExposition((await metrics.expose('prometheus')).text, 'prometheus')
    const samples = [...families.values()].flatMap((family) => family.samples)
    const wanted = samples.filter(({ name, value }) => value !== 0 && !name.endsWith('_bucket'))
    return wanted.map(({ name, labels, value }) =>
      [name.slice('gantry_'.length), ...Object.values(labels), value].join(' '),
    )
  }
  return { record, seen, clock, log, stop }
}

const facts = (id: string, more: Partial<AttemptFacts> = {}): AttemptFacts => ({
  ...{ id, waitedSeconds: 30, startedAfterSeconds: 4, printSeconds: 100 },
  ...{ filamentUsedMm: 1_000, filamentUsedGrams: 3, ...more },
})

describe('attempts in the metrics', () => {
  it('are counted by their result, and add their times and amounts once', async () => {
    const { record, seen, clock, stop } = open((ids) => Promise.resolve(ids.map((id) => facts(id))))
    record({ attemptId: 'a', from: null, to: 'claimed' }, { attemptId: 'a', from: 'claimed', to: 'uploading' })
    record({ attemptId: 'a', from: 'starting', to: 'printing' }, { attemptId: 'a', from: 'printing', to: 'paused' })
    record({ attemptId: 'a', from: 'paused', to: 'printing' })
    await clock.advance(5_000)
    record({ attemptId: 'a', from: 'printing', to: 'unknown' }, { attemptId: 'a', from: 'unknown', to: 'completed' })
    record({ attemptId: 'b', from: 'claimed', to: 'revoked' })
    await clock.advance(20_000)
    expect(await seen()).toEqual([
      ...['attempts_total completed 1', 'attempts_total revoked 1', 'attempts_total unknown 1'],
      ...['print_wait_seconds_sum 30', 'print_wait_seconds_count 1'],
      ...['dispatch_latency_seconds_sum 4', 'dispatch_latency_seconds_count 1'],
      ...['print_seconds_total 200', 'filament_used_grams_total 6', 'filament_used_millimeters_total 2000'],
    ])
    stop()
    record({ attemptId: 'c', from: 'printing', to: 'failed' })
    expect(await seen()).not.toContain('attempts_total failed 1')
  })

  it('that cannot be read are read later, some hundreds at a time', async () => {
    const asked: number[] = []
    let fails = true
    const { record, seen, clock, log, stop } = open((ids) => {
      asked.push(ids.length)
      return fails ? Promise.reject(new Error('the database is gone')) : Promise.resolve(ids.map((id) => facts(id)))
    })
    for (let n = 0; n < 700; n += 1) record({ attemptId: `a${n}`, from: 'printing', to: 'completed' })
    await clock.advance(10_000)
    fails = false
    await clock.advance(10_000)
    expect(asked).toEqual([500, 500, 500, 200])
    expect(await seen()).toContain('print_seconds_total 70000')
    expect(log.lines.map(({ level }) => level)).toContain('warn')
    stop()
  })

  it('have the times of the database: the wait of a copy only at its first attempt', async () => {
    const { database, prisma, reads, printer, job, claimed } = await openPrintingDatabase()
    await using _ = database
    await job({ copies: 1 })
    const first = await claimed(await printer())
    await prisma.printJob.updateMany({ data: { createdAt: new Date('2026-01-01T00:00:00Z') } })
    const claimedAt = new Date('2026-01-01T00:01:00Z')
    const ended = { printSeconds: 50, filamentUsedMm: 900, filamentUsedGrams: 2.5 }
    const startedAt = new Date('2026-01-01T00:01:07.500Z')
    await prisma.attempt.update({ where: { id: first }, data: { state: 'failed', claimedAt, startedAt, ...ended } })
    const row = await prisma.attempt.findUniqueOrThrow({ where: { id: first } })
    const later = { ...row, id: 'att_2', remoteName: 'other', state: 'claimed' as const, startedAt: null }
    const { reasonParams: _params, ...plain } = later
    await prisma.attempt.create({ data: { ...plain, claimedAt: new Date('2026-01-01T00:02:00Z'), printSeconds: null } })
    const found = await reads.census.attempts([first, 'att_2', 'att_none'])
    expect(found.sort((a, b) => Number(b.id === first) - Number(a.id === first))).toEqual([
      { id: first, waitedSeconds: 60, startedAfterSeconds: 7.5, ...ended },
      { id: 'att_2', waitedSeconds: null, startedAfterSeconds: null, ...ended, printSeconds: null },
    ])
  })
})
