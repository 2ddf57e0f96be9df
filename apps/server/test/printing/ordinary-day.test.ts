import { describe, expect, it } from 'vitest'

import { SYSTEM_ACTOR } from '../../src/kernel/index.js'
import { createPrintingRig } from '../../src/testing/printing-rig.js'

describe('on an ordinary day', () => {
  it('prints every copy once, over printers of both kinds, as beds are cleared', async () => {
    await using rig = await createPrintingRig({ octoprint: 2, moonraker: 2 })
    const { reads } = rig.persistence
    await rig.registerAll()
    const jobId = await rig.order(8)

    const isAtRest = async (name: string) =>
      (await reads.printers.list(SYSTEM_ACTOR, { limit: 10, cursor: null, groupId: null })).items.find(
        (printer) => printer.name === name && printer.activeAttempt === null,
      )
    const rounds: Promise<void>[] = []
    for (const { name, machine } of rig.virtual.printers)
      machine.on('printDone', () => {
        rounds.push(rig.eventually(() => isAtRest(name)).then(() => rig.clearBed(name)))
      })

    const job = await rig.eventually(async () => {
      const current = await reads.printJobs.get(SYSTEM_ACTOR, jobId)
      return current?.state === 'done' && current
    }, 60_000)
    // The last beds are still being cleared; the database must outlive that.
    await Promise.all(rounds)

    expect(job.counts).toEqual({ queued: 0, active: 0, done: 8, failed: 0, cancelled: 0, held: 0 })
    const counts = rig.virtual.counts().total
    expect(counts).toMatchObject({ starts: 8, done: 8, startsOnOccupiedBed: 0, secondStarts: 0, gcodeWhilePrinting: 0 })
  })
})
