import type { FleetPrinter } from '@gantry/virtual-printers'
import { describe, expect, it } from 'vitest'

import { createPrintingRig, type PrintingRig } from '../../src/testing/printing-rig.js'
import { attemptIn, attemptsOf, inState, jobOf, openAlarms } from './looks.js'

const KINDS = [
  { kind: 'OctoPrint', pair: { octoprint: 2 } },
  { kind: 'Moonraker', pair: { moonraker: 2 } },
] as const

/** Two printers and one copy, which is under way on one of them. */
const begin = async (pair: { octoprint?: number; moonraker?: number }, state: 'uploading' | 'printing') => {
  const rig = await createPrintingRig({ ...pair, speed: 60 })
  if (state === 'uploading') {
    // Slow enough to be there still when the person comes.
    for (const { host } of rig.virtual.printers) host.gate = (call, next) => delayed(200, () => next(call))
  }
  const ids = await rig.registerAll()
  const jobId = await rig.order(1)
  const attempt = await attemptIn(rig, jobId, state)
  const has = ({ name }: FleetPrinter) => ids.get(name) === attempt.printerId
  const [from, to] = [rig.virtual.printers.find(has)!, rig.virtual.printers.find((printer) => !has(printer))!]
  return { rig, jobId, attempt, from, to, toId: ids.get(to.name)! }
}

const delayed = async <T>(ms: number, go: () => Promise<T>): Promise<T> => {
  await new Promise((resolve) => setTimeout(resolve, ms))
  return go()
}

const finish = async (rig: PrintingRig, jobId: string) => {
  rig.virtual.setSpeed(20_000)
  await inState(rig, jobId, 'done')
}

const expectSafe = (rig: PrintingRig) => {
  const { total, namesStartedTwice } = rig.virtual.counts()
  expect(total).toMatchObject({ secondStarts: 0, startsOnOccupiedBed: 0, gcodeWhilePrinting: 0, done: 1 })
  expect(namesStartedTwice).toEqual([])
}

const endedBefore = (first: FleetPrinter, second: FleetPrinter) =>
  first.machine.starts.every(({ outcome }) => outcome !== null) && second.machine.counts.starts === 1

describe.each(KINDS)('a copy that is taken away from its printer on $kind', ({ pair }) => {
  it('while its file is under way is never started there, and printed at the other', async () => {
    const { rig, jobId, attempt, from, to, toId } = await begin(pair, 'uploading')
    await using _ = rig
    await rig.reassign(attempt.id, toId)
    await attemptIn(rig, jobId, 'printing')
    expect([from.machine.counts.starts, to.machine.counts.starts]).toEqual([0, 1])
    await finish(rig, jobId)
    expect((await attemptsOf(rig, jobId)).map(({ state }) => state)).toEqual(['completed', 'revoked'])
    expectSafe(rig)
  })

  it('while it prints is stopped there first, and then printed at the other', async () => {
    const { rig, jobId, attempt, from, to, toId } = await begin(pair, 'printing')
    await using _ = rig
    await rig.reassign(attempt.id, toId)
    await rig.eventually(() => Promise.resolve(endedBefore(from, to)))
    expect(from.machine.counts).toMatchObject({ starts: 1, cancelled: 1 })
    await finish(rig, jobId)
    const [last, first] = await attemptsOf(rig, jobId)
    expect(last).toMatchObject({ state: 'completed', printerId: toId })
    expect(first?.reason?.code).toBe('REASSIGNED_BY_USER')
    expect(await openAlarms(rig)).toEqual([])
    expectSafe(rig)
  })

  it('and its server dies over it: the next one carries the wish out', async () => {
    const { rig, jobId, attempt, from, toId } = await begin(pair, 'printing')
    await using _ = rig
    await rig.stop()
    await rig.reassign(attempt.id, toId)
    expect(from.machine.busy).toBe(true)
    await rig.start()
    await rig.eventually(async () => (await attemptsOf(rig, jobId)).length === 2)
    expect(from.machine.counts.cancelled).toBe(1)
    await finish(rig, jobId)
    expectSafe(rig)
  })

  it('while its host is away waits until the host is back and its print has ended', async () => {
    const { rig, jobId, attempt, from, to, toId } = await begin(pair, 'printing')
    await using _ = rig
    await from.host.goOffline()
    await inState(rig, jobId, 'held')
    await rig.reassign(attempt.id, toId)
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    expect(to.machine.counts.starts).toBe(0)
    expect((await jobOf(rig, jobId))?.counts).toMatchObject({ held: 1, queued: 0 })
    await from.host.goOnline()
    await rig.eventually(() => Promise.resolve(endedBefore(from, to)))
    await finish(rig, jobId)
    expect(await openAlarms(rig)).toEqual([])
    expectSafe(rig)
  })
})
