import { describe, expect, it } from 'vitest'

import { listsOfPrimary, SYSTEM_ACTOR, type Actor } from '../../kernel/index.js'
import { openPrintingDatabase } from '../../testing/printing-database.js'
import { recordingLogger } from '../../testing/recording-logger.js'
import { RollUp } from './roll-up.js'
import { FIGURES } from './statistics.ports.js'
import { StatisticsService } from './statistics.service.js'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const BERLIN = 'Europe/Berlin'

/** The hour of UTC that began so many hours before this one. */
const hourBefore = (hours: number) => new Date((Math.floor(Date.now() / HOUR_MS) - hours) * HOUR_MS)
const after = (moment: Date, ms: number) => new Date(moment.getTime() + ms)
const periodOf = (hour: Date) => hour.toISOString().slice(0, 13)

const open = async (timeZone = BERLIN) => {
  const rows = await openPrintingDatabase()
  const { prisma, unitOfWork, reads } = rows
  const rollUp = new RollUp({ unitOfWork, timeZone, log: recordingLogger() })
  const { signal } = new AbortController()
  const service = new StatisticsService({ lists: listsOfPrimary(reads), timeZone })

  /** An attempt that has ended, on a printer of its own unless it is told. */
  const attempt = async (times: { startedAt: Date | null; endedAt: Date | null }, more: object = {}) => {
    const lease = await rows.printer()
    await rows.job()
    const id = await rows.claimed(lease)
    const ended = { state: 'completed' as const, printSeconds: 600, filamentUsedMm: 1_000, filamentUsedGrams: 3 }
    const state = times.endedAt === null ? { state: 'printing' as const } : ended
    await prisma.attempt.update({ where: { id }, data: { ...state, ...times, ...more } })
    return { id, printerId: lease.printerId }
  }
  const span = (printerId: string, state: string, since: Date, until: Date | null) =>
    prisma.printerStateSpan.create({ data: { printerId, state, since, until } })
  const everything = async () => ({
    prints: await prisma.statisticsPrint.findMany({ orderBy: [{ period: 'asc' }, { printerId: 'asc' }] }),
    printers: await prisma.statisticsPrinterState.findMany({
      orderBy: [{ period: 'asc' }, { printerId: 'asc' }, { state: 'asc' }],
    }),
    filament: await prisma.statisticsFilament.findMany({ orderBy: [{ period: 'asc' }, { material: 'asc' }] }),
    api: await prisma.statisticsApi.findMany({ orderBy: [{ period: 'asc' }, { procedure: 'asc' }] }),
  })
  const run = (hours: number | null = null) => rollUp.run(FIGURES, hours, signal)
  return { ...rows, rollUp, service, attempt, span, everything, run, signal }
}

/** Facts of every kind, two days old. */
const withFacts = async () => {
  const opened = await open()
  const { prisma, attempt, span } = opened
  const hour = hourBefore(48)
  const { printerId } = await attempt({ startedAt: after(hour, 60_000), endedAt: after(hour, HOUR_MS + 1) })
  await attempt({ startedAt: after(hour, 1), endedAt: after(hour, 2) }, { state: 'failed', printSeconds: 5 })
  await attempt({ startedAt: null, endedAt: after(hour, 3) }, { state: 'revoked', printSeconds: null })
  await span(printerId, 'printing', after(hour, HOUR_MS / 2), after(hour, HOUR_MS * 1.25))
  const minute = after(hour, 120_000)
  const calls = { instanceId: 'ins_1', minute, procedure: 'files.list', calls: 7, errors: 2, flushedAt: minute }
  await prisma.apiMinute.createMany({ data: [calls, { ...calls, instanceId: 'ins_2', calls: 3, errors: 0 }] })
  return { ...opened, hour, printerId }
}

describe('rolled up', () => {
  it('are attempts by start and end, seconds by state, filament by material, and calls by procedure', async () => {
    const { database, everything, run, hour, printerId } = await withFacts()
    await using _ = database
    await run()
    const { prints, printers, filament, api } = await everything()
    const [first, second] = [periodOf(hour), periodOf(after(hour, HOUR_MS))]
    const sums = (period: string) =>
      prints
        .filter((row) => row.period === period)
        .reduce(
          (sum, row) => [
            sum[0]! + row.started,
            sum[1]! + row.completed,
            sum[2]! + row.failed,
            sum[3]! + row.revoked,
            sum[4]! + row.printSeconds,
          ],
          [0, 0, 0, 0, 0],
        )
    expect(sums(first)).toEqual([2, 0, 1, 1, 5])
    expect(sums(second)).toEqual([0, 1, 0, 0, 600])
    const time = printers
      .filter(({ unit }) => unit === 'hour')
      .map(({ period, state, seconds }) => ({ period, state, seconds }))
    expect(time).toEqual([
      { period: first, state: 'printing', seconds: 1_800 },
      { period: second, state: 'printing', seconds: 900 },
    ])
    expect(new Set(printers.map((row) => row.printerId))).toEqual(new Set([printerId]))
    const used = filament.filter(({ period }) => period === second)
    expect(used).toMatchObject([{ material: '', usedMm: 1_000, usedGrams: 3 }])
    expect(api.filter(({ unit }) => unit === 'hour')).toMatchObject([{ procedure: 'files.list', calls: 10, errors: 2 }])
    const days = prints.filter(({ unit }) => unit === 'day')
    expect(days.reduce((sum, { started }) => sum + started, 0)).toBe(2)
  })

  it('again, each row is the same', async () => {
    const { database, everything, run } = await withFacts()
    await using _ = database
    await run()
    const once = await everything()
    await run()
    await run(72)
    expect(await everything()).toEqual(once)
    expect(once.prints.length * once.printers.length * once.filament.length * once.api.length).toBeGreaterThan(0)
  })

  it('by several workers at once, they are as by one', async () => {
    const { database, everything, run, rollUp, prisma, signal } = await withFacts()
    await using _ = database
    await Promise.all([run(), run(), run(60)])
    const together = await everything()
    for (const table of ['statistics_print', 'statistics_printer_state', 'statistics_filament', 'statistics_api'])
      await prisma.$executeRawUnsafe(`DELETE FROM ${table}`)
    await prisma.statisticsCursor.deleteMany()
    await rollUp.run(FIGURES, null, signal)
    expect(await everything()).toEqual(together)
  })

  it('until somebody was cut off, they go on from there', async () => {
    const { database, everything, run, unitOfWork } = await withFacts()
    await using _ = database
    const cut = unitOfWork.run(async ({ rollUp, now }) => {
      const from = after(now, -7 * DAY_MS)
      await rollUp.lock('prints')
      await rollUp.replace('prints', { from, to: now, keptFrom: null, hoursFrom: from, timeZone: BERLIN, now })
      await rollUp.save('prints', { rolledUntil: now })
      throw new Error('killed before the commit')
    })
    await expect(cut).rejects.toThrow('killed before the commit')
    expect((await everything()).prints).toEqual([])
    await run()
    expect((await everything()).prints).not.toEqual([])
  })

  it('stop when they are told to', async () => {
    const { database, rollUp } = await withFacts()
    await using _ = database
    await expect(rollUp.run(FIGURES, null, AbortSignal.abort(new Error('stopped')))).rejects.toThrow('stopped')
  })
})

describe('what comes late', () => {
  it('an attempt that ends later is counted then, and nothing of what was counted changes', async () => {
    const { database, prisma, attempt, everything, run } = await open()
    await using _ = database
    const hour = hourBefore(2)
    const { id } = await attempt({ startedAt: after(hour, 1), endedAt: null })
    await run()
    const before = (await everything()).prints.filter(({ unit }) => unit === 'hour')
    expect(before).toMatchObject([{ period: periodOf(hour), started: 1, completed: 0 }])
    const [{ now } = { now: new Date(0) }] = await prisma.$queryRaw<
      { now: Date }[]
    >`SELECT now()::timestamptz(3) AS now`
    await prisma.attempt.update({ where: { id }, data: { state: 'completed', endedAt: now, printSeconds: 9 } })
    await run()
    const hours = (await everything()).prints.filter(({ unit }) => unit === 'hour')
    expect(hours).toMatchObject([before[0]!, { period: periodOf(now), started: 0, completed: 1, printSeconds: 9 }])
  })

  it('calls that an instance could write down only hours later go where they belong', async () => {
    const { database, prisma, everything, run } = await withFacts()
    await using _ = database
    await run()
    const hour = hourBefore(11)
    await prisma.apiMinute.create({
      data: { instanceId: 'ins_3', minute: hour, procedure: 'files.list', calls: 5, errors: 0 },
    })
    await run()
    const { api } = await everything()
    expect(api.filter(({ period }) => period === periodOf(hour))).toMatchObject([{ calls: 5 }])
  })

  it('once sources are gone, what was made of them stays', async () => {
    const { database, prisma, everything, run, rollUp, signal } = await withFacts()
    await using _ = database
    await prisma.apiMinute.updateMany({ data: { minute: hourBefore(100), flushedAt: hourBefore(100) } })
    await run()
    const { api } = await everything()
    expect(api.length).toBe(2)
    expect(await rollUp.clear(signal)).toBe(2)
    expect(await prisma.apiMinute.count()).toBe(0)
    await run(24 * 10)
    expect((await everything()).api).toEqual(api)
  })

  it('no source goes of which nothing was made yet', async () => {
    const { database, prisma, rollUp, signal } = await withFacts()
    await using _ = database
    await prisma.apiMinute.updateMany({ data: { minute: hourBefore(100) } })
    expect(await rollUp.clear(signal)).toBe(0)
    expect(await prisma.apiMinute.count()).toBe(2)
  })

  it('hours go after ninety days, and days stay', async () => {
    const { database, prisma, attempt, run, rollUp, signal } = await open()
    await using _ = database
    const old = after(new Date(), -89.9 * DAY_MS)
    await attempt({ startedAt: old, endedAt: after(old, 1) })
    await run()
    const units = async () =>
      (await prisma.statisticsPrint.findMany({ select: { unit: true } })).map(({ unit }) => unit)
    expect((await units()).sort()).toEqual(['day', 'hour'])
    await prisma.statisticsPrint.updateMany({ where: { unit: 'hour' }, data: { begins: after(old, -DAY_MS) } })
    await rollUp.clear(signal)
    expect(await units()).toEqual(['day'])
  })
})

/** The day on which the clocks of Berlin went back last. */
const longestDay = (): string => {
  const now = new Date()
  const year = now.getUTCMonth() > 9 ? now.getUTCFullYear() : now.getUTCFullYear() - 1
  const end = new Date(Date.UTC(year, 9, 31))
  return new Date(Date.UTC(year, 9, 31 - end.getUTCDay())).toISOString().slice(0, 10)
}

describe('a printer’s time', () => {
  it('is parted at midnight of the installation, also on the day that has 25 hours', async () => {
    const { database, prisma, printer, span, run } = await open()
    await using _ = database
    const { printerId } = await printer()
    const day = longestDay()
    const midnight = new Date(`${day}T00:00:00+02:00`)
    await span(printerId, 'idle', after(midnight, -2 * HOUR_MS), after(midnight, 6 * HOUR_MS))
    await span(printerId, 'printing', after(midnight, 6 * HOUR_MS), after(midnight, 27 * HOUR_MS))
    await run()
    const rows = await prisma.statisticsPrinterState.findMany({
      ...{ where: { unit: 'day' }, orderBy: [{ period: 'asc' }, { state: 'asc' }] },
      select: { period: true, begins: true, state: true, seconds: true },
    })
    const dayOf = (offset: number) => new Date(Date.parse(day) + offset * DAY_MS).toISOString().slice(0, 10)
    expect(rows).toEqual([
      { period: dayOf(-1), begins: after(midnight, -DAY_MS), state: 'idle', seconds: 7_200 },
      { period: day, begins: midnight, state: 'idle', seconds: 6 * 3_600 },
      { period: day, begins: midnight, state: 'printing', seconds: 19 * 3_600 },
      { period: dayOf(1), begins: after(midnight, 25 * HOUR_MS), state: 'printing', seconds: 2 * 3_600 },
    ])
  })

  it('is written down where its state is saved, and counts only while somebody drives it', async () => {
    const { database, prisma, unitOfWork, printer } = await open()
    await using _ = database
    const { printerId } = await printer({}, 'ins_a')
    const save = (state: string) =>
      unitOfWork.run((tx) => tx.fleet.saveStates('ins_a', [{ printerId, state: state }], tx.now))
    const spans = () => prisma.printerStateSpan.findMany({ where: { printerId }, orderBy: { since: 'asc' } })
    await save('idle')
    await save('printing')
    const [idle, printing] = await spans()
    expect(idle).toMatchObject({ state: 'idle', until: printing?.since })
    expect(printing).toMatchObject({ state: 'printing', until: null })
    // Killed: the lease ran out a while before somebody else takes the printer.
    const lapsed = after(printing!.since, 1)
    await prisma.printerRuntime.update({ where: { printerId }, data: { leaseUntil: lapsed } })
    await new Promise((resolve) => setTimeout(resolve, 20))
    await unitOfWork.run(({ fleet }) => fleet.acquire('ins_b', 1, [], 60))
    const taken = (await spans()).slice(1)
    expect(taken).toMatchObject([
      { state: 'printing', until: lapsed },
      { state: 'printing', until: null },
    ])
    expect(taken[1]!.since.getTime()).toBeGreaterThan(lapsed.getTime())
    await unitOfWork.run(({ fleet }) => fleet.release('ins_b', [printerId]))
    expect((await spans()).filter(({ until }) => until === null)).toEqual([])
  })
})

describe('asked for', () => {
  const someone = (scope: Partial<Actor['scope']>): Actor => ({
    ...{ ...SYSTEM_ACTOR, kind: 'user', id: 'usr_1' },
    scope: { printerGroups: 'all', projects: 'all', ...scope },
  })

  it('are sums over what the actor may see, and of nothing else', async () => {
    const { database, prisma, service, run, hour, printerId } = await withFacts()
    await using _ = database
    await prisma.printerGroup.create({ data: { id: 'grp_1', name: 'one' } })
    await prisma.printer.update({ where: { id: printerId }, data: { groupId: 'grp_1' } })
    await run()
    const range = { from: hour, to: after(hour, 2 * HOUR_MS), by: 'hour' as const }
    const seen = async (actor: Actor) => {
      const prints = await service.prints(actor, range)
      const printers = await service.printers(actor, { ...range, eachPrinter: false })
      const filament = await service.filament(actor, range)
      const api = await service.api(actor, { ...range, eachProcedure: true })
      return [prints, printers, filament, api].map(({ items }) => items.length)
    }
    expect(await seen(someone({}))).toEqual([2, 2, 2, 1])
    expect(await seen(someone({ printerGroups: ['grp_1'] }))).toEqual([2, 2, 1, 0])
    expect(await seen(someone({ printerGroups: ['grp_2'] }))).toEqual([0, 0, 0, 0])
    expect(await seen(someone({ projects: [] }))).toEqual([0, 2, 0, 0])
    const { items, timeZone } = await service.prints(someone({}), range)
    expect(timeZone).toBe(BERLIN)
    expect(items[0]).toEqual({
      ...{ period: periodOf(hour), begins: hour, started: 2, completed: 0, failed: 1, cancelled: 0, revoked: 1 },
      printSeconds: 5,
    })
    expect((await service.api(someone({}), { ...range, eachProcedure: false })).items).toEqual([
      { period: periodOf(hour), begins: hour, procedure: null, calls: 10, errors: 2 },
    ])
  })

  it('may be of one printer, or of each', async () => {
    const { database, service, span, printer, run, hour, printerId } = await withFacts()
    await using _ = database
    const { printerId: other } = await printer()
    await span(other, 'idle', hour, after(hour, HOUR_MS))
    await run()
    const range = { from: hour, to: after(hour, HOUR_MS), by: 'hour' as const }
    const each = await service.printers(SYSTEM_ACTOR, { ...range, eachPrinter: true })
    expect(new Set(each.items.map((row) => row.printerId))).toEqual(new Set([printerId, other]))
    const one = await service.printers(SYSTEM_ACTOR, { ...range, printerId: other, eachPrinter: false })
    expect(one.items).toMatchObject([{ printerId: null, state: 'idle', seconds: 3_600 }])
  })
})
