import type { AlarmCode, AlarmSeverity } from '@gantry/schemas'

import type { Logger, Timers, UnitOfWork } from '../../kernel/index.js'
import type { AlarmRepository } from '../alarms/alarms.ports.js'
import { raiseAlarm } from '../alarms/raise-alarm.js'
import { LatestWriter } from './latest-writer.js'
import { isBusy } from './printer.state.js'
import type { PrinterLive, PrinterRecord } from './printers.ports.js'

type StandingCode = Extract<AlarmCode, 'PRINTER_AUTH_FAILED' | 'PRINTER_ERROR' | 'HEATER_ON_IDLE'>

const SEVERITY: Record<StandingCode, AlarmSeverity> = {
  PRINTER_AUTH_FAILED: 'warning',
  PRINTER_ERROR: 'critical',
  HEATER_ON_IDLE: 'critical',
}

const OVER = ''

type Condition = string | null | undefined

/** The heaters that are on although nothing is printed; null when none is, undefined when nobody can tell. */
const idleHeat = ({ activeAttempt }: PrinterRecord, { report }: PrinterLive): Condition => {
  if (report === null || !report.printerConnected) return undefined
  if (isBusy(report.state) || activeAttempt !== null) return null
  const hot = report.heaters.filter(({ targetCelsius }) => (targetCelsius ?? 0) > 0)
  return hot.length === 0 ? null : hot.map(({ heater }) => heater).join(', ')
}

/** What is wrong just now; null is nothing, undefined is that nobody can tell. */
const conditions = (live: PrinterLive): Record<Exclude<StandingCode, 'HEATER_ON_IDLE'>, Condition> => ({
  PRINTER_AUTH_FAILED:
    live.linkError?.code === 'auth' ? live.linkError.message : live.link === 'connected' ? null : undefined,
  PRINTER_ERROR:
    live.report === null
      ? undefined
      : live.report.state === 'error'
        ? (live.report.attention?.text ?? live.report.observed)
        : null,
})

/** Alarms that last as long as what they say of a printer's host: raised when it begins, cleared when it is over. */
export class PrinterAlarms {
  private readonly writer: LatestWriter<string>
  private readonly groups = new Map<string, string | null>()
  /** Since when heaters are on although nothing is printed, by this process's own monotonic clock. */
  private readonly hotSinceMs = new Map<string, number>()

  constructor(
    private readonly unitOfWork: UnitOfWork<{ alarms: AlarmRepository }>,
    private readonly heat: { clock: Pick<Timers, 'monotonicMs'>; alarmAfterMs: number },
    log: Logger,
  ) {
    this.writer = new LatestWriter((key, detail) => this.write(key, detail), log)
  }

  observe(record: PrinterRecord, live: PrinterLive): void {
    this.groups.set(record.id, record.groupId)
    const all = { ...conditions(live), HEATER_ON_IDLE: this.longHot(record.id, idleHeat(record, live)) }
    for (const [code, detail] of Object.entries(all)) {
      if (detail !== undefined) this.writer.put(`${code} ${record.id}`, detail ?? OVER)
    }
  }

  /** Somebody else drives the printer now, or nobody: what was written may be changed by others. */
  forget(printerId: string): void {
    for (const code of Object.keys(SEVERITY)) this.writer.forget(`${code} ${printerId}`)
    this.groups.delete(printerId)
    this.hotSinceMs.delete(printerId)
  }

  /** Undefined until it has lasted: whoever drove the printer before may have raised the alarm, which then stays. */
  private longHot(printerId: string, hot: Condition): Condition {
    if (typeof hot !== 'string') {
      if (hot === null) this.hotSinceMs.delete(printerId)
      return hot
    }
    const nowMs = this.heat.clock.monotonicMs()
    const sinceMs = this.hotSinceMs.get(printerId) ?? nowMs
    this.hotSinceMs.set(printerId, sinceMs)
    return nowMs - sinceMs >= this.heat.alarmAfterMs ? hot : undefined
  }

  idle(): Promise<void> {
    return this.writer.idle()
  }

  private write(key: string, detail: string): Promise<void> {
    const [code, printerId] = key.split(' ') as [StandingCode, string]
    const subject = { subjectType: 'printer' as const, subjectId: printerId }
    const printerGroupId = this.groups.get(printerId) ?? null
    return this.unitOfWork.run(async (tx) => {
      if (detail === OVER) {
        for (const alarmId of await tx.alarms.clear(code, subject, tx.now)) {
          const about = { subjectType: 'alarm', subjectId: alarmId, printerGroupId }
          tx.record({ type: 'alarm.cleared', ...about, payload: { alarmId, code } }, 'system')
        }
        return
      }
      const alarm = { code, severity: SEVERITY[code], params: { detail, printerId }, ...subject }
      await raiseAlarm(tx, alarm, printerGroupId)
    })
  }
}
