import type { HostReport } from '../modules/printers/printer-driver.port.js'

/** Lets changes of state or job pass at once and everything else at most once per interval, the latest winning. */
export interface ReportThrottle {
  push(report: HostReport): void
  /** Drops what waits. */
  stop(): void
}

/** What makes two reports differ in more than numbers. */
const keyOf = ({ state, printerConnected, busyDetail, attention, job }: HostReport): string =>
  JSON.stringify([state, printerConnected, busyDetail, attention?.text, job?.remotePath, job?.hostJobRef])

/** @param intervalMs at least this long between two reports that differ only in numbers */
export const createReportThrottle = (emit: (report: HostReport) => void, intervalMs = 1000): ReportThrottle => {
  let lastKey: string | undefined
  let waiting: HostReport | undefined
  let timer: NodeJS.Timeout | undefined

  const send = (report: HostReport) => {
    clearTimeout(timer)
    waiting = undefined
    lastKey = keyOf(report)
    timer = setTimeout(() => {
      timer = undefined
      if (waiting !== undefined) send(waiting)
    }, intervalMs)
    emit(report)
  }

  return {
    push(report) {
      if (timer === undefined || keyOf(report) !== lastKey) send(report)
      else waiting = report
    },
    stop() {
      clearTimeout(timer)
      timer = undefined
      waiting = undefined
    },
  }
}
