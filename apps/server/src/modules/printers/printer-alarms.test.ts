import { describe, expect, it } from 'vitest'

import { SYSTEM_ACTOR } from '../../kernel/index.js'
import { createLogger } from '../../observability/logger.js'
import { openPrintingDatabase } from '../../testing/printing-database.js'
import { PrinterAlarms } from './printer-alarms.js'
import type { HostReport } from './printer-driver.port.js'
import type { PrinterLive, PrinterRecord } from './printers.ports.js'

const MINUTE = 60_000

const liveOf = (printerId: string, report: Partial<HostReport> | null): PrinterLive => ({
  ...{ printerId, boot: 'b', seq: 1, atMs: 0, link: 'connected', linkError: null, permissions: null },
  ...{ pending: null, restsUntilMs: null },
  report: report && {
    ...{
      observed: '',
      state: 'idle',
      printerConnected: true,
      busyDetail: null,
      attention: null,
      heaters: [],
      job: null,
    },
    ...report,
  },
})

const heaters = (targetCelsius: number): Partial<HostReport> => ({
  heaters: [
    { heater: 'tool0', kind: 'tool', actualCelsius: 200, targetCelsius },
    { heater: 'bed', kind: 'bed', actualCelsius: 20, targetCelsius: 0 },
  ],
})
const HOT = heaters(200)
const COLD = heaters(0)

const open = async () => {
  const rows = await openPrintingDatabase()
  const { printerId } = await rows.printer()
  const record = (await rows.reads.printers.get(SYSTEM_ACTOR, printerId))!
  const clock = { ms: 0, monotonicMs: () => clock.ms }
  const log = createLogger({ level: 'silent' })
  const instance = () => new PrinterAlarms(rows.unitOfWork, { clock, alarmAfterMs: 15 * MINUTE }, log)
  const raised = () => rows.prisma.event.count({ where: { type: 'alarm.raised' } })
  /** Lets the minutes pass, shows this to the instance, and tells the open alarms. */
  const see = async (
    alarms: PrinterAlarms,
    minutes: number,
    report: Partial<HostReport> | null,
    change: Partial<PrinterRecord> = {},
  ) => {
    clock.ms += minutes * MINUTE
    alarms.observe({ ...record, ...change }, liveOf(printerId, report))
    await alarms.idle()
    const { items } = await rows.reads.alarms.list(SYSTEM_ACTOR, { open: true, limit: 5, cursor: null })
    return items.map(({ code, text }) => `${code} ${text}`)
  }
  return { ...rows, printerId, instance, see, raised }
}

const ALARM = ['HEATER_ON_IDLE Heaters are on although nothing is printed: tool0.']

describe('heaters that are on although nothing is printed', () => {
  it('call a person when it lasts, once, until they are off', async () => {
    const { database, instance, see, raised } = await open()
    await using _ = database
    const alarms = instance()
    expect(await see(alarms, 0, HOT)).toEqual([])
    expect(await see(alarms, 14, HOT)).toEqual([])
    expect(await see(alarms, 2, HOT)).toEqual(ALARM)
    expect(await see(alarms, 60, HOT)).toEqual(ALARM)
    expect(await raised()).toBe(1)
    expect(await see(alarms, 1, COLD)).toEqual([])
    expect(await see(alarms, 1, HOT)).toEqual([])
  })

  it('call nobody while a print runs, or a copy is on its way', async () => {
    const { database, instance, see } = await open()
    await using _ = database
    const alarms = instance()
    const attempt = { id: 'att', jobId: 'job', state: 'uploading', remoteName: 'g', remotePath: null } as const
    for (const [report, change] of [
      [{ ...HOT, state: 'printing' }, {}],
      [{ ...HOT, state: 'paused' }, {}],
      [HOT, { activeAttempt: attempt }],
    ] as const) {
      expect(await see(alarms, 20, report, change)).toEqual([])
    }
    expect(await see(alarms, 14, HOT)).toEqual([])
  })

  it('keep their alarm when another instance takes the printer over, or the host is away for a while', async () => {
    const { database, instance, see, raised, printerId } = await open()
    await using _ = database
    const first = instance()
    await see(first, 0, HOT)
    expect(await see(first, 16, HOT)).toEqual(ALARM)
    expect(await see(first, 1, null)).toEqual(ALARM)
    first.forget(printerId)
    const second = instance()
    expect(await see(second, 1, HOT)).toEqual(ALARM)
    expect(await see(second, 20, HOT)).toEqual(ALARM)
    expect(await raised()).toBe(1)
    expect(await see(second, 1, COLD)).toEqual([])
  })
})
