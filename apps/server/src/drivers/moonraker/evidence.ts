import type { HistoryEntry, PrintEvidence } from '../../modules/printers/printer-driver.port.js'

import { hostDate } from '../host-values.js'
import { isActive, klippyState } from './mapper.js'
import { lostSight, outcomeOfHistory, outcomeOfState, printSeconds } from './outcome.js'
import type { MoonrakerSession } from './session.js'
import type { RpcSocket } from './socket.js'
import { readStatus } from './status.js'
import { historyPage, type HistoryJob } from './wire.js'

const PAGE_SIZE = 100
/** Names are never used twice, so an older run than this many would have been found long ago. */
const MAX_PAGES = 10

/** What the printer itself says comes first, since history stops when Moonraker loses sight of the printer. */
export async function evidenceOf(
  socket: RpcSocket,
  session: MoonrakerSession,
  remotePath: string,
  signal: AbortSignal,
): Promise<PrintEvidence> {
  const { klippy, status } = await session.readPrinter(signal)
  const printer = readStatus(status)
  const job = session.hasHistory ? await findJob(socket, remotePath, signal) : null
  const hostJobRef = job?.job_id ?? null
  const stats = printer.printStats
  if (stats.filename === remotePath && klippyState(klippy, printer) === 'ready') {
    if (isActive(klippy, printer)) return { kind: 'active', hostJobRef }
    const outcome = outcomeOfState(stats.state)
    if (outcome !== null) return { kind: 'ended', outcome, hostJobRef, ...measuresOf(stats) }
  }
  if (job === null) return { kind: stats.filename === remotePath ? 'touched' : 'none' }
  const outcome = outcomeOfHistory(job.status)
  if (outcome === null) return { kind: 'active', hostJobRef }
  // Klipper may print on behind a broken connection.
  if (lostSight(job.status) && klippyState(klippy, printer) !== 'ready') return { kind: 'touched' }
  return { kind: 'ended', outcome, hostJobRef, ...measuresOf(job) }
}

/** The newest run of this file in Moonraker's history. */
async function findJob(socket: RpcSocket, filename: string, signal: AbortSignal): Promise<HistoryJob | null> {
  for (let page = 0; page < MAX_PAGES; page++) {
    const params = { limit: PAGE_SIZE, start: page * PAGE_SIZE, order: 'desc' }
    const { jobs } = await socket.call('server.history.list', params, historyPage, { signal })
    const found = jobs.find((job) => job.filename === filename)
    if (found !== undefined) return found
    if (jobs.length < PAGE_SIZE) return null
  }
  return null
}

/** Newest first. */
export async function readHistory(socket: RpcSocket, limit: number, signal: AbortSignal): Promise<HistoryEntry[]> {
  const { jobs } = await socket.call('server.history.list', { limit, order: 'desc' }, historyPage, { signal })
  return jobs.slice(0, limit).map((job) => ({
    remotePath: job.filename,
    hostJobRef: job.job_id,
    outcome: outcomeOfHistory(job.status) ?? 'running',
    startedAt: hostDate(job.start_time),
    endedAt: hostDate(job.end_time),
  }))
}

const measuresOf = (run: Parameters<typeof printSeconds>[0] & { filament_used: number | null }) => ({
  printSeconds: printSeconds(run),
  filamentUsedMm: run.filament_used,
})
