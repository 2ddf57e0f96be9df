import { describe, expect, it } from 'vitest'
import { z } from 'zod'

import { defineJob, type JobDelivery } from '../kernel/jobs.js'
import { BACKENDS, openJobPlace, startJobProcess } from '../testing/job-place.js'

/** One at a time: what does not end stands before all others. */
const brief = defineJob({
  type: 'TEST_BRIEF',
  version: 1,
  payload: z.strictObject({ n: z.int() }),
  attempts: 2,
  backoff: { type: 'fixed', delay: 10 },
  timeoutMs: 100,
  concurrency: 1,
})

const ENDLESS = 0

const untilAborted = (signal: AbortSignal) =>
  new Promise<void>((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(new Error('told to stop')))
  })

const never = () => new Promise<void>(() => undefined)

const HABITS: [string, (signal: AbortSignal) => Promise<void>][] = [
  ['listens to its signal', untilAborted],
  ['does not listen', never],
]

describe.each(BACKENDS)('on %s', (kind) => {
  it.each(HABITS)('a handler that never ends and %s is tried as often as its job allows', async (_habit, endless) => {
    await using place = await openJobPlace(kind)
    const { prisma } = place.database
    const seen: number[] = []
    const reasons: unknown[] = []
    const handle = ({ payload: { n }, signal }: JobDelivery<typeof brief>) => {
      seen.push(n)
      signal.addEventListener('abort', () => reasons.push((signal.reason as Error).name))
      return n === ENDLESS ? endless(signal) : Promise.resolve()
    }
    await using process = await startJobProcess(place, brief, handle, { graceMs: 20 })
    await process.unitOfWork.run((tx) => Promise.resolve([ENDLESS, 1, 2, 3].map((n) => tx.jobs.add(brief, { n }))))
    const rows = () =>
      prisma.outbox.findMany({ orderBy: { relayCount: 'desc' }, select: { state: true, relayCount: true } })
    const done = { state: 'done', relayCount: 1 }
    await expect.poll(rows, { timeout: 15_000 }).toEqual([{ state: 'dead', relayCount: 2 }, done, done, done])
    expect([...seen].sort()).toEqual([ENDLESS, ENDLESS, 1, 2, 3])
    expect(reasons).toEqual(['JobTimedOut', 'JobTimedOut'])
  })
})
