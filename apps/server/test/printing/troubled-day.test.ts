import { describe, expect, it } from 'vitest'
import type { FleetPrinter } from '@gantry/virtual-printers'

import { SYSTEM_ACTOR } from '../../src/kernel/index.js'
import { createPrintingRig, type PrintingRig } from '../../src/testing/printing-rig.js'
import { attemptIn, inState, jobOf, openAlarms } from './looks.js'

const KINDS = [
  { kind: 'OctoPrint', fleet: { octoprint: 1 } },
  { kind: 'Moonraker', fleet: { moonraker: 1 } },
] as const

const only = (rig: PrintingRig): FleetPrinter => rig.virtual.printers[0]!
const printerOf = async (rig: PrintingRig) =>
  (await rig.persistence.reads.printers.list(SYSTEM_ACTOR, { limit: 1, cursor: null, groupId: null })).items[0]!
/** Slow enough to be still printing while something happens to it. */
const begin = async (fleet: { octoprint?: number; moonraker?: number }, copies = 1) => {
  const rig = await createPrintingRig({ ...fleet, speed: 60 })
  await rig.registerAll()
  const jobId = await rig.order(copies)
  await attemptIn(rig, jobId, 'printing')
  return { rig, jobId }
}

describe.each(KINDS)('when something happens to a print on $kind', ({ fleet }) => {
  it('holds the job and calls a person when the host vanishes, and goes on when it comes back still printing', async () => {
    const { rig, jobId } = await begin(fleet)
    await using _ = rig
    await only(rig).host.goOffline()

    const held = await inState(rig, jobId, 'held')
    expect(held.holds.map(({ code }) => code)).toEqual(['PRINTER_LOST'])
    expect(await openAlarms(rig)).toEqual(['PRINTER_LOST'])
    expect((await printerOf(rig)).holds.map(({ code }) => code)).toEqual(['PRINTER_LOST'])

    await only(rig).host.goOnline()
    await inState(rig, jobId, 'printing')
    expect(await openAlarms(rig)).toEqual([])
    rig.virtual.setSpeed(5_000)
    await inState(rig, jobId, 'done')
    expect(rig.virtual.counts().total).toMatchObject({ starts: 1, secondStarts: 0, startsOnOccupiedBed: 0 })
  })

  it('counts the copy as printed when it ended while the host was away', async () => {
    const { rig, jobId } = await begin(fleet)
    await using _ = rig
    await only(rig).host.goOffline()
    await inState(rig, jobId, 'held')
    rig.virtual.setSpeed(20_000)
    await rig.eventually(() => Promise.resolve(only(rig).machine.counts.done === 1))

    await only(rig).host.goOnline()
    const job = await inState(rig, jobId, 'done')
    expect(job.counts.done).toBe(1)
    expect(job.holds).toEqual([])
  })

  it('goes on with a running print after a restart of the server, and prints nothing twice', async () => {
    const { rig, jobId } = await begin(fleet, 2)
    await using _ = rig
    await rig.restart()
    rig.virtual.setSpeed(5_000)
    await rig.eventually(async () => (await jobOf(rig, jobId))?.counts.done === 1)
    expect(await printerOf(rig)).toMatchObject({ bed: 'occupied', activeAttempt: null })

    await rig.clearBed(only(rig).name)
    await inState(rig, jobId, 'done')
    expect(rig.virtual.counts().total).toMatchObject({ starts: 2, done: 2, secondStarts: 0, startsOnOccupiedBed: 0 })
  })

  it('holds the copy, and does not try again, when somebody cancels at the panel', async () => {
    const { rig, jobId } = await begin(fleet)
    await using _ = rig
    only(rig).machine.cancelAtPanel()

    const job = await inState(rig, jobId, 'held')
    expect(job.holds.map(({ code }) => code)).toEqual(['CANCELLED_AT_PRINTER'])
    expect(rig.virtual.counts().total.starts).toBe(1)
    expect(await printerOf(rig)).toMatchObject({ bed: 'occupied', activeAttempt: null })
  })

  it('counts what the host calls complete, and starts nothing on top of it, even when the host said so too early', async () => {
    const rig = await createPrintingRig({ ...fleet, speed: 60 })
    await using _ = rig
    await rig.registerAll()
    only(rig).faults.arm({ fault: 'false_complete', delayMs: 500, times: 1 })
    const jobId = await rig.order(2)

    await rig.eventually(async () => (await jobOf(rig, jobId))?.counts.done === 1)
    expect(await printerOf(rig)).toMatchObject({ bed: 'occupied', activeAttempt: null })
    expect(await jobOf(rig, jobId)).toMatchObject({ counts: { done: 1, queued: 1, held: 0 }, holds: [] })
    expect(rig.virtual.counts().total).toMatchObject({ starts: 1, secondStarts: 0, startsOnOccupiedBed: 0 })
  })

  it('stops the print and leaves no copy behind when the job is cancelled', async () => {
    const { rig, jobId } = await begin(fleet, 3)
    await using _ = rig
    await rig.cancel(jobId)

    const job = await inState(rig, jobId, 'cancelled')
    expect(job.counts).toMatchObject({ cancelled: 3, active: 0, queued: 0, held: 0 })
    expect(rig.virtual.counts().total).toMatchObject({ starts: 1, cancelled: 1 })
  })

  it('shows a print that it did not order, calls a person, and leaves the bed occupied', async () => {
    const rig = await createPrintingRig({ ...fleet, speed: 60 })
    await using _ = rig
    await rig.registerAll()
    await rig.eventually(async () => (await printerOf(rig)).state === 'idle')
    await only(rig).host.startAtPanel('mine.gcode', Buffer.from('G28\nM109 S200\nG1 X10 E5 F300\n'.repeat(200)))

    await rig.eventually(async () => (await openAlarms(rig)).includes('FOREIGN_PRINT'))
    expect((await printerOf(rig)).bed).toBe('occupied')
    rig.virtual.setSpeed(50_000)
    await rig.eventually(async () => (await openAlarms(rig)).length === 0)
    expect((await printerOf(rig)).bed).toBe('occupied')
  })

  it('gives no copy to a printer that has another material, and says so', async () => {
    const rig = await createPrintingRig(fleet)
    await using _ = rig
    await rig.registerAll()
    const jobId = await rig.order(1, { materials: ['PETG'] })

    const reasons = await rig.eventually(async () => {
      const { printers } = await rig.dispatch.explainJob(SYSTEM_ACTOR, jobId)
      return printers[0]?.reasons.length === 1 && printers[0].reasons
    })
    expect(reasons).toMatchObject([{ code: 'MATERIAL_MISMATCH', params: { has: ['PLA'], needs: ['PETG'] } }])
    expect((await jobOf(rig, jobId))?.state).toBe('queued')
    expect(rig.virtual.counts().total.starts).toBe(0)
  })
})
