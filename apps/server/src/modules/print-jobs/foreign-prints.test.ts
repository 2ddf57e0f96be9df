import { describe, expect, it } from 'vitest'

import { SYSTEM_ACTOR } from '../../kernel/index.js'
import { openPrintingDatabase } from '../../testing/printing-database.js'
import { recordingLogger } from '../../testing/recording-logger.js'
import { ForeignPrints } from './foreign-prints.js'

const open = async () => {
  const rows = await openPrintingDatabase()
  const lease = await rows.printer()
  const { printerId } = lease
  let nowMs = 0
  const run = () => new ForeignPrints(rows.unitOfWork, { now: () => nowMs }, recordingLogger())
  const alarms = async () =>
    (await rows.reads.alarms.list(SYSTEM_ACTOR, { open: true, limit: 10, cursor: null })).items.map(({ code }) => code)
  const bed = async () => (await rows.reads.printers.get(SYSTEM_ACTOR, printerId))?.bed
  /** Shows the print for long enough to be certain. */
  const show = (foreign: ForeignPrints, path: string | null) => {
    foreign.observe(printerId, path)
    nowMs += 3_000
    foreign.observe(printerId, path)
  }
  const personClears = () => rows.unitOfWork.run((tx) => tx.beds.clear(printerId, 'usr', tx.now))
  return { ...rows, lease, run, show, alarms, bed, personClears }
}

describe('a print that Gantry did not order', () => {
  it('is alarmed once and leaves the bed occupied, also if somebody called it clear meanwhile', async () => {
    const { database, run, show, alarms, bed, personClears } = await open()
    await using _ = database
    const foreign = run()
    show(foreign, 'mine.gcode')
    show(foreign, 'mine.gcode')
    await expect.poll(alarms).toEqual(['FOREIGN_PRINT'])
    expect(await bed()).toBe('occupied')
    await personClears()
    show(foreign, null)
    await expect.poll(alarms).toEqual([])
    expect(await bed()).toBe('occupied')
  })

  it('is over also for a server that was started after it was alarmed', async () => {
    const { database, run, show, alarms } = await open()
    await using _ = database
    show(run(), 'mine.gcode')
    await expect.poll(alarms).toEqual(['FOREIGN_PRINT'])
    show(run(), null)
    await expect.poll(alarms).toEqual([])
  })

  it('is no alarm when it shows for a moment only, and lies on the bed all the same', async () => {
    const { database, run, lease, alarms, bed } = await open()
    await using _ = database
    const foreign = run()
    foreign.observe(lease.printerId, 'mine.gcode')
    foreign.forget(lease.printerId)
    await expect.poll(bed).toBe('occupied')
    expect(await alarms()).toEqual([])
  })

  it('is none when it is the attempt’s own', async () => {
    const { database, reads, run, show, lease, alarms, job, claimed } = await open()
    await using _ = database
    const foreign = run()
    await job()
    await claimed(lease)
    const own = (await reads.attempts.findActiveOn(lease.printerId))?.remoteName ?? ''
    show(foreign, own)
    show(foreign, 'mine.gcode')
    await expect.poll(alarms).toEqual(['FOREIGN_PRINT'])
  })
})
