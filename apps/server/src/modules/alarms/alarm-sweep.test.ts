import { describe, expect, it } from 'vitest'

import { newId, SYSTEM_ACTOR, systemClock } from '../../kernel/index.js'
import { createLogger } from '../../observability/logger.js'
import { openPrintingDatabase } from '../../testing/printing-database.js'
import { AttemptLedger } from '../print-jobs/attempt-ledger.js'
import { AlarmSweep } from './alarm-sweep.js'

const open = async () => {
  const rows = await openPrintingDatabase()
  const { unitOfWork, prisma, reads } = rows
  const thresholds = { bedNotClearedHours: 12, outboxStuckMinutes: 10, jobTimeoutsMs: { SLOW_ONE: 30 * 60_000 } }
  const log = createLogger({ level: 'silent' })
  const sweep = new AlarmSweep({ unitOfWork, thresholds, clock: systemClock, log })
  const alarms = async () => {
    await Promise.all([sweep.sweep(), sweep.sweep()])
    const { items } = await reads.alarms.list(SYSTEM_ACTOR, { open: true, limit: 10, cursor: null })
    return items.map(({ code, subjectId }) => `${code} ${subjectId}`)
  }
  const told = () => prisma.event.count({ where: { type: { in: ['alarm.raised', 'alarm.cleared'] } } })
  const occupiedFor = (printerId: string, hours: number) =>
    prisma.$executeRaw`UPDATE printer_runtime SET bed_since = now() - make_interval(hours => ${hours}::int) WHERE printer_id = ${printerId}`
  const outbox = (
    state: 'pending' | 'relayed' | 'dead',
    minutes: number,
    { type = 'QUICK_ONE', dueInMinutes = 0 } = {},
  ) =>
    prisma.$executeRaw`
      INSERT INTO outbox (id, type, payload, state, created_at, available_at, relayed_at, finished_at)
      SELECT ${newId('outbox')}, ${type}, '{}', ${state}::outbox_state, since, since + make_interval(mins => ${dueInMinutes}::int),
        CASE WHEN ${state} = 'relayed' THEN since END, CASE WHEN ${state} = 'dead' THEN since END
      FROM (SELECT now() - make_interval(mins => ${minutes}::int) AS since) AS t`
  /** As if a person had cleared it that long ago. */
  const clearAll = (hoursAgo: number) =>
    prisma.$executeRaw`UPDATE alarm SET cleared_at = now() - make_interval(hours => ${hoursAgo}::int) WHERE cleared_at IS NULL`
  return { ...rows, alarms, told, occupiedFor, outbox, clearAll }
}

describe('the sweep for alarms', () => {
  it('calls a person to a bed that nobody cleared for hours, once, until it is cleared', async () => {
    const { database, unitOfWork, printer, alarms, told, occupiedFor } = await open()
    await using _ = database
    const { printerId } = await printer({ bed: 'occupied' })
    await occupiedFor(printerId, 11)
    expect(await alarms()).toEqual([])
    await occupiedFor(printerId, 13)
    expect(await alarms()).toEqual([`BED_NOT_CLEARED ${printerId}`])
    await alarms()
    expect(await told()).toBe(1)
    await unitOfWork.run((tx) => tx.beds.clear(printerId, 'usr_1', tx.now))
    expect(await alarms()).toEqual([])
    expect(await told()).toBe(2)
  })

  it('takes a cleared alarm for a look, and calls again only when as much time has passed', async () => {
    const { database, prisma, printer, alarms, occupiedFor, clearAll } = await open()
    await using _ = database
    const { printerId } = await printer({ bed: 'occupied' })
    await occupiedFor(printerId, 48)
    await alarms()
    await clearAll(1)
    expect(await alarms()).toEqual([])
    await prisma.$executeRaw`UPDATE alarm SET cleared_at = now() - interval '13 hours'`
    expect(await alarms()).toEqual([`BED_NOT_CLEARED ${printerId}`])
  })

  it('counts from the end of the print, and calls nobody to a printer that prints or is out of service', async () => {
    const { database, prisma, unitOfWork, reads, printer, job, claimed, alarms, occupiedFor } = await open()
    await using _ = database
    const lease = await printer()
    await job()
    const attemptId = await claimed(lease)
    await occupiedFor(lease.printerId, 48)
    expect(await alarms()).toEqual([])
    const ledger = new AttemptLedger(unitOfWork, reads)
    await ledger.markUploading(attemptId)
    await ledger.markStarting(attemptId, lease, 'p.gcode')
    const end = { outcome: 'completed', detail: null, hostJobRef: null, printSeconds: 1, filamentUsedMm: 1 } as const
    await ledger.end(attemptId, end)
    expect(await alarms()).toEqual([])
    await prisma.$executeRaw`UPDATE attempt SET ended_at = now() - interval '13 hours'`
    await unitOfWork.run((tx) => tx.printers.update(lease.printerId, { maintenance: true }, null, tx.now))
    expect(await alarms()).toEqual([])
    await unitOfWork.run((tx) => tx.printers.update(lease.printerId, { maintenance: false }, null, tx.now))
    expect(await alarms()).toEqual([`BED_NOT_CLEARED ${lease.printerId}`])
  })

  it('clears the alarms of a printer that was removed, and those of an attempt of which somebody knows again', async () => {
    const { database, prisma, unitOfWork, printer, job, claimed, alarms } = await open()
    await using _ = database
    const [removed, other] = [await printer(), await printer()]
    await job()
    const attemptId = await claimed(other)
    const raise = (code: 'PRINTER_ERROR' | 'PRINTER_LOST', subjectType: 'printer' | 'attempt', subjectId: string) =>
      unitOfWork.run((tx) =>
        tx.alarms.raise({
          ...{ code, severity: 'critical', subjectType, subjectId },
          params: { printerId: subjectType === 'printer' ? subjectId : other.printerId },
        }),
      )
    await raise('PRINTER_ERROR', 'printer', removed.printerId)
    await raise('PRINTER_LOST', 'attempt', attemptId)
    await prisma.$executeRaw`UPDATE attempt SET state = 'unknown' WHERE id = ${attemptId}`
    expect((await alarms()).toSorted()).toEqual([`PRINTER_ERROR ${removed.printerId}`, `PRINTER_LOST ${attemptId}`])
    await unitOfWork.run((tx) => tx.printers.remove(removed.printerId, tx.now))
    await prisma.$executeRaw`UPDATE attempt SET state = 'printing' WHERE id = ${attemptId}`
    expect(await alarms()).toEqual([])
  })

  it('calls a person when jobs are not done for long, and no more when they are', async () => {
    const { database, prisma, outbox, alarms, told } = await open()
    await using _ = database
    await outbox('pending', 9)
    expect(await alarms()).toEqual([])
    await outbox('pending', 11)
    expect(await alarms()).toEqual(['OUTBOX_STUCK outbox'])
    await prisma.$executeRaw`UPDATE outbox SET state = 'done', finished_at = now()`
    expect(await alarms()).toEqual([])
    expect(await told()).toBe(2)
  })

  it('calls nobody for jobs that wait for their time, that may run so long, or whose queue a person has stopped', async () => {
    const { database, prisma, outbox, alarms } = await open()
    await using _ = database
    await outbox('pending', 60, { dueInMinutes: 90 })
    await outbox('relayed', 25, { type: 'SLOW_ONE' })
    await outbox('pending', 60, { type: 'RESTING_ONE' })
    await prisma.jobQueue.create({ data: { name: 'resting-one', pausedAt: new Date() } })
    expect(await alarms()).toEqual([])
    await outbox('relayed', 11)
    expect(await alarms()).toEqual(['OUTBOX_STUCK outbox'])
    await prisma.outbox.deleteMany({ where: { type: 'QUICK_ONE', state: 'relayed' } })
    expect(await alarms()).toEqual([])
    await prisma.$executeRaw`UPDATE alarm SET cleared_at = now() - interval '1 hour'`
    await outbox('relayed', 41, { type: 'SLOW_ONE' })
    expect(await alarms()).toEqual(['OUTBOX_STUCK outbox'])
  })

  it('calls a person to a job that was given up, until the person has seen it', async () => {
    const { database, outbox, alarms, clearAll } = await open()
    await using _ = database
    await outbox('dead', 1)
    expect(await alarms()).toEqual(['OUTBOX_STUCK outbox'])
    expect(await alarms()).toHaveLength(1)
    await clearAll(0)
    expect(await alarms()).toEqual([])
  })
})
