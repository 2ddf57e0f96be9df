import { describe, expect, it } from 'vitest'

import { newId } from '../kernel/index.js'
import type { CensusRepository } from '../modules/system/census.ports.js'
import { createMetrics } from '../observability/metrics.js'
import { ManualClock } from '../testing/manual-clock.js'
import { openPrintingDatabase } from '../testing/printing-database.js'
import { readExposition } from '../testing/read-exposition.js'
import { recordingLogger } from '../testing/recording-logger.js'
import { showFarmIn } from './farm-metrics.js'

const open = (census: Pick<CensusRepository, 'take'>) => {
  const [metrics, clock, log] = [createMetrics({ collectDefaults: false }), new ManualClock(), recordingLogger()]
  let counts = 0
  const take = () => {
    counts += 1
    return census.take()
  }
  const { stop } = showFarmIn({ metrics, census: { take }, clock, log })
  /** What has a number other than zero, as `name value` and `name label value`, ages in minutes; null: nothing is known. */
  const seen = async () => {
    const families = readExposition((await metrics.expose('prometheus')).text, 'prometheus')
    const samples = [...families.values()].flatMap((family) => family.samples)
    if (samples.length === 0) return null
    return samples
      .filter(({ value }) => value !== 0)
      .map(({ name, labels, value }) =>
        [
          name.slice('gantry_'.length),
          ...Object.values(labels),
          name.endsWith('seconds') ? Math.floor(value / 60) : value,
        ].join(' '),
      )
      .sort()
  }
  return { seen, clock, log, stop, counts: () => counts }
}

describe('the farm in the metrics', () => {
  it('is every printer, attempt, alarm, hold and order as the database has it', async () => {
    const { database, prisma, reads, unitOfWork, printer, job, claimed } = await openPrintingDatabase()
    await using _ = database
    const [printing, idle, unserved] = [await printer(), await printer(), await printer()]
    const [disabled, removed] = [await printer(), await printer()]
    await prisma.printerRuntime.updateMany({ data: { state: 'idle' } })
    await prisma.printerRuntime.update({ where: { printerId: printing.printerId }, data: { state: 'printing' } })
    const past = new Date(Date.now() - 60_000)
    await prisma.printerRuntime.update({ where: { printerId: unserved.printerId }, data: { leaseUntil: past } })
    await prisma.printer.update({ where: { id: disabled.printerId }, data: { enabled: false } })
    await prisma.printerRuntime.update({ where: { printerId: disabled.printerId }, data: { state: 'offline' } })
    await prisma.printer.update({ where: { id: removed.printerId }, data: { removedAt: past } })
    const jobId = await job({ copies: 3 })
    await prisma.printJob.update({ where: { id: jobId }, data: { createdAt: new Date(Date.now() - 600_000) } })
    await claimed(printing)
    await unitOfWork.run((tx) =>
      tx.holds.open({ printerId: idle.printerId }, { code: 'CLAIM_FAILED', params: {} } as never, null),
    )
    const alarm = { params: {}, severity: 'warning' as const, subjectType: 'printer' }
    for (const code of ['HEATER_ON_IDLE', 'HEATER_ON_IDLE', 'PRINTER_ERROR'])
      await prisma.alarm.create({ data: { ...alarm, id: newId('alarm'), code, subjectId: newId('printer') } })
    await prisma.alarm.create({
      data: { ...alarm, id: newId('alarm'), code: 'PRINTER_LOST', subjectId: 'x', clearedAt: past },
    })
    const order = (type: string, state: 'pending' | 'relayed' | 'done', minutes: number) => {
      const since = new Date(Date.now() - minutes * 60_000)
      const row = { id: newId('outbox'), type, state, payload: {}, createdAt: since, availableAt: since }
      return prisma.outbox.create({ data: row })
    }
    await order('RESTING_ONE', 'pending', 60)
    await order('QUICK_ONE', 'pending', 2)
    await order('QUICK_ONE', 'pending', -10)
    await order('QUICK_ONE', 'relayed', 30)
    await order('QUICK_ONE', 'done', 90)
    await prisma.jobQueue.create({ data: { name: 'resting-one', pausedAt: past } })
    await prisma.outbox.deleteMany({ where: { type: { notIn: ['RESTING_ONE', 'QUICK_ONE'] } } })

    const { seen, stop } = open(reads.census)
    await expect.poll(seen).not.toBeNull()
    expect(await seen()).toEqual(
      [
        ...['printers printing 1', 'printers idle 1', 'printers offline 1', 'printers disabled 1'],
        ...['attempts_active claimed 1', 'print_queue_copies 2', 'print_queue_oldest_age_seconds 10'],
        ...['alarms_open HEATER_ON_IDLE 2', 'alarms_open PRINTER_ERROR 1', 'holds_open printer 1'],
        ...['outbox_rows pending 3', 'outbox_rows relayed 1', 'outbox_oldest_age_seconds 2'],
      ].sort(),
    )
    stop()
  })

  it('is counted every ten seconds however often it is read, and absent when nobody could count it for a minute', async () => {
    let fails = false
    const nothing = new Map<never, number>()
    const empty = {
      ...{ printers: nothing, attempts: nothing, alarms: nothing, holds: nothing, outbox: nothing },
      ...{ queuedCopies: 7, oldestQueuedSeconds: 0, outboxOldestSeconds: 0 },
    }
    const take = () => (fails ? Promise.reject(new Error('the database is gone')) : Promise.resolve(empty))
    const { seen, clock, log, stop, counts } = open({ take })
    await clock.advance(0)
    for (let scrape = 0; scrape < 5; scrape += 1) expect(await seen()).toEqual(['print_queue_copies 7'])
    expect(counts()).toBe(1)
    await clock.advance(10_000)
    expect(counts()).toBe(2)
    fails = true
    await clock.advance(50_000)
    expect(await seen()).toEqual(['print_queue_copies 7'])
    expect(log.lines.filter(({ level }) => level === 'warn').length).toBeGreaterThan(0)
    await clock.advance(20_000)
    expect(await seen()).toBeNull()
    fails = false
    await clock.advance(10_000)
    expect(await seen()).toEqual(['print_queue_copies 7'])
    stop()
    const before = counts()
    await clock.advance(60_000)
    expect(counts()).toBe(before)
  })

  it('is not counted where metrics are switched off', async () => {
    let counts = 0
    const take = () => Promise.reject(new Error(`count ${(counts += 1)}`))
    const clock = new ManualClock()
    showFarmIn({ metrics: createMetrics({ enabled: false }), census: { take }, clock, log: recordingLogger() })
    await clock.advance(60_000)
    expect(counts).toBe(0)
  })
})
