import { describe, expect, it } from 'vitest'
import type { FleetPrinter } from '@gantry/virtual-printers'

import { SYSTEM_ACTOR } from '../../src/kernel/index.js'
import { createPrintingRig, type PrintingRig } from '../../src/testing/printing-rig.js'
import { attemptIn, inState, jobOf, openAlarms } from './looks.js'

const KINDS = [
  { kind: 'OctoPrint', fleet: { octoprint: 1 } },
  { kind: 'Moonraker', fleet: { moonraker: 1 } },
] as const

const MINE = Buffer.from('G28\nG1 X10 E5 F300\n'.repeat(20))

const only = (rig: PrintingRig): FleetPrinter => rig.virtual.printers[0]!
const bedOf = async (rig: PrintingRig) =>
  (await rig.persistence.reads.printers.list(SYSTEM_ACTOR, { limit: 1, cursor: null, groupId: null })).items[0]!.bed
const lookedAt = async ({ persistence }: PrintingRig) =>
  (await persistence.database.prisma.pastPrints.findFirst())?.lookedAt.getTime() ?? 0
/** A person prints something of their own, to its end, and leaves it on the bed. */
const printAtPanel = async (rig: PrintingRig, name: string) => {
  const before = only(rig).machine.counts.done
  await only(rig).host.startAtPanel(name, MINE)
  await rig.eventually(() => Promise.resolve(only(rig).machine.counts.done === before + 1))
}
const lookedAgain = async (rig: PrintingRig, since: number) => rig.eventually(async () => (await lookedAt(rig)) > since)

const open = async (fleet: { octoprint?: number; moonraker?: number }) => {
  const rig = await createPrintingRig(fleet)
  await rig.registerAll()
  await lookedAgain(rig, 0)
  return rig
}

describe.each(KINDS)('a print on $kind that Gantry did not order and did not see', ({ fleet }) => {
  it('leaves the bed occupied and calls a person, and nothing is started on it', async () => {
    await using rig = await open(fleet)
    await rig.stop()
    await printAtPanel(rig, 'mine.gcode')
    const jobId = await rig.order(1)
    await rig.start()

    await rig.eventually(async () => (await bedOf(rig)) === 'occupied')
    expect(await openAlarms(rig)).toEqual(['FOREIGN_PRINT'])
    expect((await jobOf(rig, jobId))?.state).toBe('queued')
    await rig.clearBed(only(rig).name)
    await inState(rig, jobId, 'done')
    expect(rig.virtual.counts().total).toMatchObject({ starts: 2, startsOnOccupiedBed: 0 })
  })

  it('is found also when only the host was away, and when it is the second print of one file', async () => {
    await using rig = await open(fleet)
    for (const _ of ['first', 'second']) {
      await only(rig).host.goOffline()
      await printAtPanel(rig, 'mine.gcode')
      expect(await bedOf(rig)).toBe('clear')
      await only(rig).host.goOnline()
      await rig.eventually(async () => (await bedOf(rig)) === 'occupied')
      await rig.clearBed(only(rig).name)
    }
  })

  it('is told of once: the bed that a person cleared stays clear at the next connection', async () => {
    await using rig = await open(fleet)
    await rig.stop()
    await printAtPanel(rig, 'mine.gcode')
    await rig.start()
    await rig.eventually(async () => (await bedOf(rig)) === 'occupied')
    await rig.clearBed(only(rig).name)
    const since = await lookedAt(rig)
    await rig.restart()
    await lookedAgain(rig, since)
    expect(await bedOf(rig)).toBe('clear')
  })

  it('is no news when it was seen, or was there before anybody looked', async () => {
    const rig = await createPrintingRig(fleet)
    await using _ = rig
    await printAtPanel(rig, 'before.gcode')
    await rig.registerAll()
    await lookedAgain(rig, 0)
    expect(await bedOf(rig)).toBe('clear')

    const first = await lookedAt(rig)
    await printAtPanel(rig, 'seen.gcode')
    await lookedAgain(rig, first)
    expect(await bedOf(rig)).toBe('occupied')
    await rig.clearBed(only(rig).name)
    const second = await lookedAt(rig)
    await rig.restart()
    await lookedAgain(rig, second)
    expect(await bedOf(rig)).toBe('clear')
  })

  it('is none when it is a copy of ours that ended while nobody looked', async () => {
    await using rig = await open(fleet)
    rig.virtual.setSpeed(60)
    const jobId = await rig.order(2)
    await attemptIn(rig, jobId, 'printing')
    await rig.stop()
    rig.virtual.setSpeed(20_000)
    await rig.eventually(() => Promise.resolve(only(rig).machine.counts.done === 1))
    await rig.start()
    await rig.eventually(async () => (await jobOf(rig, jobId))?.counts.done === 1)
    await rig.clearBed(only(rig).name)
    await rig.restart()
    await inState(rig, jobId, 'done')
    expect(await openAlarms(rig)).toEqual([])
    expect(rig.virtual.counts().total).toMatchObject({ starts: 2, startsOnOccupiedBed: 0 })
  })
})
