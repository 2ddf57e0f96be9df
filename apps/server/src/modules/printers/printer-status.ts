import type { CurrentPrint, PrinterStatus, Reason } from '@gantry/schemas'

import type { HostReport } from './printer-driver.port.js'
import { displayedState, isBusy } from './printer.state.js'
import type { PrinterLive, PrinterRecord } from './printers.ports.js'

/** How long a word of the driving instance counts; it speaks at least every few seconds. */
export const LIVE_FOR_MS = 15_000

/** What was said, unless it is so old that nobody drives the printer any more. */
export const freshWord = (said: PrinterLive | null, nowMs: number): PrinterLive | null =>
  said !== null && nowMs - said.atMs <= LIVE_FOR_MS ? said : null

const permissionReasons = (live: PrinterLive): Reason[] => {
  const { permissions } = live
  if (permissions === null) return [{ code: 'PRINTER_NOT_REPORTED', params: {} }]
  return (['upload', 'delete', 'print'] as const)
    .filter((permission) => !permissions[permission])
    .map((permission) => ({
      code: 'HOST_PERMISSION_MISSING',
      params: { permission, detail: permissions.detail ?? 'refused by the host' },
    }))
}

const hostReasons = (live: PrinterLive, report: HostReport): Reason[] => {
  if (!report.printerConnected)
    return [{ code: 'PRINTER_OFFLINE', params: { detail: report.attention?.text ?? report.observed } }]
  if (isBusy(report.state) || report.state === 'error')
    return [{ code: 'PRINTER_NOT_READY', params: { state: report.state } }]
  if (report.busyDetail !== null) return [{ code: 'HOST_NOT_DISPATCHABLE', params: { detail: report.busyDetail } }]
  return permissionReasons(live)
}

const liveReasons = (live: PrinterLive | null): Reason[] => {
  if (live === null) return [{ code: 'PRINTER_NOT_SERVED', params: {} }]
  if (live.report !== null) return hostReasons(live, live.report)
  if (live.linkError !== null) return [{ code: 'PRINTER_OFFLINE', params: { detail: live.linkError.message } }]
  return [{ code: 'PRINTER_NOT_REPORTED', params: {} }]
}

const restReasons = (live: PrinterLive | null, nowMs: number): Reason[] =>
  live?.restsUntilMs == null || live.restsUntilMs <= nowMs
    ? []
    : [{ code: 'PRINTER_RESTING', params: { untilIso: new Date(live.restsUntilMs).toISOString() } }]

type Obstructed = Pick<PrinterRecord, 'enabled' | 'maintenance' | 'bed' | 'bedSince' | 'holds' | 'activeAttempt'>

/** Why this printer takes no job now, whatever the job; empty when it is free. */
export const obstacles = (record: Obstructed, live: PrinterLive | null, nowMs: number): Reason[] => {
  const reasons: Reason[] = []
  if (!record.enabled) reasons.push({ code: 'PRINTER_DISABLED', params: {} })
  if (record.maintenance) reasons.push({ code: 'PRINTER_IN_MAINTENANCE', params: {} })
  for (const hold of record.holds) reasons.push({ code: 'PRINTER_HELD', params: { code: hold.code } })
  if (record.activeAttempt !== null)
    reasons.push({ code: 'PRINTER_BUSY', params: { attemptId: record.activeAttempt.id } })
  if (record.bed === 'occupied' && record.activeAttempt === null) {
    reasons.push({ code: 'BED_OCCUPIED', params: { sinceIso: record.bedSince.toISOString() } })
  }
  return record.enabled ? [...reasons, ...liveReasons(live), ...restReasons(live, nowMs)] : reasons
}

/** Whether what the host works on is the attempt that we gave it. */
export const isOwnPrint = (remotePath: string | null, attempt: PrinterRecord['activeAttempt']): boolean => {
  if (remotePath === null || attempt === null) return false
  return remotePath === attempt.remotePath || remotePath.split('/').at(-1) === attempt.remoteName
}

const currentPrint = (record: PrinterRecord, report: HostReport | null): CurrentPrint | null => {
  if (report?.job == null || !isBusy(report.state)) return null
  const { job } = report
  const own = isOwnPrint(job.remotePath, record.activeAttempt)
  return {
    fileName: job.remotePath,
    foreign: !own,
    attemptId: own ? (record.activeAttempt?.id ?? null) : null,
    jobId: own ? (record.activeAttempt?.jobId ?? null) : null,
    progress: job.progress,
    elapsedSeconds: job.elapsedSeconds,
    remainingSeconds: job.remainingSeconds,
    layer: job.layer,
    layerCount: job.layerCount,
  }
}

const attentionOf = (live: PrinterLive | null): PrinterStatus['attention'] => {
  if (live?.linkError != null)
    return { text: live.linkError.message, severity: live.linkError.code === 'auth' ? 'error' : 'warning' }
  return live?.report?.attention ?? null
}

/** The status that people and clients see: what the database knows, and what the driving instance last said. */
export const composeStatus = (record: PrinterRecord, said: PrinterLive | null, nowMs: number): PrinterStatus => {
  const live = freshWord(said, nowMs)
  const waitingFor = obstacles(record, live, nowMs)
  const state = displayedState({
    host: live?.report?.state ?? null,
    bed: record.bed,
    maintenance: record.maintenance,
    inHand: record.activeAttempt !== null && record.activeAttempt.state !== 'unknown',
    pending: live?.pending ?? null,
    nowMs,
  })
  return {
    printerId: record.id,
    boot: live?.boot ?? '',
    seq: live?.seq ?? 0,
    state,
    stateSince: record.stateSince,
    lastSeenAt: live?.report == null ? record.lastSeenAt : new Date(live.atMs),
    observed: live?.report?.observed ?? null,
    bed: record.bed,
    bedSince: record.bedSince,
    maintenance: record.maintenance,
    dispatchable: waitingFor.length === 0,
    waitingFor,
    attention: attentionOf(live),
    heaters: live?.report?.heaters ?? [],
    print: currentPrint(record, live?.report ?? null),
  }
}
