import type { DriverEvent, HostReport } from '../printers/printer-driver.port.js'
import type { PrinterSession } from '../printers/printer-session.js'
import { isBusy } from '../printers/printer.state.js'
import type { PrintEnd } from './attempt-effects.js'
import type { AttemptRecord } from './print-jobs.ports.js'

type Named = Pick<AttemptRecord, 'remoteName' | 'remotePath'>

export const pathOf = (attempt: Named): string => attempt.remotePath ?? attempt.remoteName

/** Whether a path on the host is the attempt's, whatever folder the host put it in. */
export const isPathOf = (attempt: Named, path: string | null): boolean =>
  path !== null && (path === attempt.remotePath || path.split('/').at(-1) === attempt.remoteName)

/** Whether the host works on the attempt's file now. */
export const worksOn = (attempt: Named, report: HostReport): boolean =>
  isBusy(report.state) && isPathOf(attempt, report.job?.remotePath ?? null)

/** Whether the host works on something else. */
export const worksOnOther = (attempt: Named, report: HostReport): boolean =>
  isBusy(report.state) && !isPathOf(attempt, report.job?.remotePath ?? null)

/** The end that the host has told already, while nobody waited for it. */
export const endTold = (attempt: Named, { latestEnd }: PrinterSession): PrintEnd | null =>
  latestEnd !== null && isPathOf(attempt, latestEnd.remotePath) ? latestEnd : null

export interface StartSeen {
  hostJobRef: string | null
  ended: PrintEnd | null
}

/** A sign that the attempt's print has begun, be it that it is over already. */
export const startSeen = (attempt: Named, event: DriverEvent): StartSeen | null => {
  if (event.type === 'report') {
    return worksOn(attempt, event.report) ? { hostJobRef: event.report.job?.hostJobRef ?? null, ended: null } : null
  }
  if (!isPathOf(attempt, event.remotePath)) return null
  return { hostJobRef: event.hostJobRef, ended: event.type === 'printEnded' ? event : null }
}

export type RunNews = { kind: 'ended'; end: PrintEnd } | { kind: 'state'; state: 'printing' | 'paused' }

/** What an event says of the attempt's running print; null for all that is not about it. */
export const runNews = (attempt: Named, event: DriverEvent): RunNews | null => {
  if (event.type === 'printEnded') return isPathOf(attempt, event.remotePath) ? { kind: 'ended', end: event } : null
  if (event.type === 'printStarted' || !worksOn(attempt, event.report)) return null
  return { kind: 'state', state: event.report.state === 'paused' ? 'paused' : 'printing' }
}
