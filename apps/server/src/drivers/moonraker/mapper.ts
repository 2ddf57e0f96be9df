import type { HostJob, HostReport, HostState } from '../../modules/printers/printer-driver.port.js'

import { readHeaters } from './heaters.js'
import { readStatus, type PrinterView } from './status.js'
import type { PrinterStatus } from './wire.js'

/** Klipper's host process as Moonraker sees it. */
export interface KlippyView {
  connected: boolean
  /** `ready`, `startup`, `error`, `shutdown`, `disconnected` */
  state: string
  message: string | null
}

/** An order that was accepted and not yet carried out; Moonraker itself has no word for it. */
export type PendingOrder = 'pause' | 'cancel'

/** What we know of a run beyond what its printer objects say at the moment. */
export interface RunFacts {
  hostJobRef: string | null
  /** The most that was seen in this run. */
  progress: number | null
  estimatedSeconds: number | null
  layerCount: number | null
}

export interface MoonrakerView {
  klippy: KlippyView
  /** Empty until subscribed. */
  status: PrinterStatus
  heaters: readonly string[]
  pending: PendingOrder | null
  run: RunFacts
  /** Something a person should know that no printer object tells. */
  notice: string | null
}

const ENDED = ['complete', 'cancelled', 'error']
const FAULTY = ['error', 'shutdown']

/** The state that counts: a printer object speaks sooner than the poll, and is all that tells of a shutdown. */
export function klippyState(klippy: KlippyView, printer: PrinterView): string {
  if (!klippy.connected) return 'disconnected'
  return printer.webhooks.state ?? klippy.state
}

/** Whether a job is under way; `print_stats` says `paused` after an emergency stop too, so Klippy comes first. */
export function isActive(klippy: KlippyView, printer: PrinterView): boolean {
  return klippyState(klippy, printer) === 'ready' && ['printing', 'paused'].includes(printer.printStats.state ?? '')
}

export function mapState(klippy: KlippyView, printer: PrinterView, pending: PendingOrder | null): HostState {
  const host = klippyState(klippy, printer)
  if (FAULTY.includes(host)) return 'error'
  if (host !== 'ready') return 'offline'
  if (isActive(klippy, printer)) {
    if (pending === 'cancel') return 'cancelling'
    if (printer.printStats.state === 'paused' || printer.pauseResume.is_paused === true) return 'paused'
    return pending === 'pause' ? 'pausing' : 'printing'
  }
  if (ENDED.includes(printer.printStats.state ?? '')) return 'finished'
  return printer.virtualSdcard.is_active === true ? 'printing' : 'idle'
}

export function mapReport(view: MoonrakerView): HostReport {
  const printer = readStatus(view.status)
  const state = mapState(view.klippy, printer, view.pending)
  const host = klippyState(view.klippy, printer)
  return {
    observed: host === 'ready' ? (printer.printStats.state ?? 'unknown') : `klippy ${host}`,
    state,
    printerConnected: state !== 'offline',
    busyDetail: busyDetail(state, printer),
    attention: attention(view, state, printer),
    heaters: host === 'disconnected' ? [] : readHeaters(view.status, view.heaters),
    job: mapJob(view, state, printer),
  }
}

function busyDetail(state: HostState, printer: PrinterView): string | null {
  if (state !== 'idle' && state !== 'finished') return null
  return printer.idleTimeout.state === 'Printing' ? 'The printer is moving or heating by hand.' : null
}

function attention(view: MoonrakerView, state: HostState, printer: PrinterView): HostReport['attention'] {
  if (state === 'error') {
    const text = printer.webhooks.state_message ?? view.klippy.message ?? 'Klipper has stopped.'
    return { text: text.trim(), severity: 'error' }
  }
  if (state === 'finished' && printer.printStats.state === 'error') {
    return { text: printer.printStats.message ?? 'The print failed.', severity: 'error' }
  }
  return view.notice === null ? null : { text: view.notice, severity: 'warning' }
}

const JOB_STATES: readonly HostState[] = ['printing', 'pausing', 'paused', 'cancelling', 'finished']

function mapJob({ run }: MoonrakerView, state: HostState, printer: PrinterView): HostJob | null {
  const stats = printer.printStats
  if (!JOB_STATES.includes(state) || stats.filename === null || stats.filename === '') return null
  const progress = bestProgress(run.progress, observedProgress(printer))
  return {
    remotePath: stats.filename,
    hostJobRef: run.hostJobRef,
    progress,
    elapsedSeconds: stats.total_duration,
    remainingSeconds: state === 'finished' ? null : remainingSeconds(progress, stats.print_duration, run),
    layer: stats.info?.current_layer ?? null,
    layerCount: stats.info?.total_layer ?? run.layerCount,
    filamentUsedMm: stats.filament_used,
  }
}

/** 0–1, by the position in the file. */
export function observedProgress(printer: PrinterView): number | null {
  if (printer.printStats.state === 'complete') return 1
  const progress = printer.virtualSdcard.progress ?? printer.displayStatus.progress
  return progress === null ? null : Math.min(Math.max(progress, 0), 1)
}

export function bestProgress(seen: number | null, now: number | null): number | null {
  return seen === null || now === null ? (now ?? seen) : Math.max(seen, now)
}

/** Below this the pace so far says nothing. */
const LEAST_PROGRESS = 0.01

/** The slicer's estimate at the start, more and more what the pace so far says, as the print goes on. */
function remainingSeconds(progress: number | null, printSeconds: number | null, run: RunFacts): number | null {
  const spent = printSeconds ?? 0
  const planned = run.estimatedSeconds === null ? null : Math.max(run.estimatedSeconds - spent, 0)
  if (progress === null || progress < LEAST_PROGRESS || spent === 0) return planned
  const byPace = (spent / progress) * (1 - progress)
  return planned === null ? byPace : planned * (1 - progress) + byPace * progress
}
