import type { DriverEvent, HostReport, PrintOutcome } from '../../modules/printers/printer-driver.port.js'
import { isActive, mapReport, type Observation, remotePathOf } from './mapper.js'
import type { EventPayload, StatusPayload, TemperatureMessage } from './wire.js'

const OUTCOMES = new Map<string, PrintOutcome>([
  ['PrintDone', 'completed'],
  ['PrintFailed', 'failed'],
  ['PrintCancelled', 'cancelled'],
])

const MAX_REMEMBERED = 200

/**
 * What must be remembered between two messages of one connection: the temperatures that a frame leaves out, how far
 * the job was, and which ends were told already.
 */
export class OctoPrintTracker {
  #temperatures: TemperatureMessage = {}
  #job: { path: string | null; progress: number } | null = null
  /** The file whose end was told last; a cancelled print is told twice, once as failed. */
  #endedPath: string | null = null
  readonly #outcomes = new Map<string, { outcome: PrintOutcome; printSeconds: number | null }>()

  /** A report from what the host was asked for. */
  observe(observation: Observation): HostReport {
    this.#temperatures = observation.temperatures
    return this.#withSteadyProgress(mapReport(observation))
  }

  /** A report from what the host pushed. */
  push({ state, job, progress, temps }: StatusPayload): HostReport {
    const latest = temps.at(-1)
    if (latest !== undefined) this.#temperatures = { ...this.#temperatures, ...latest }
    const report = mapReport({ state, job, progress, temperatures: this.#temperatures })
    // What was measured before the printer went away says nothing once it is back.
    if (!report.printerConnected) this.#temperatures = {}
    return this.#withSteadyProgress(report)
  }

  /** What the event means to us; null for nothing. */
  event({ type, payload }: EventPayload): DriverEvent | null {
    const remotePath = remotePathOf(payload?.path ?? null, payload?.origin ?? null)
    if (remotePath === null) return null
    if (type === 'PrintStarted') {
      this.#endedPath = null
      this.#job = null
      this.#outcomes.delete(remotePath)
      return { type: 'printStarted', remotePath, hostJobRef: null }
    }
    const outcome = payload?.reason === 'cancelled' ? 'cancelled' : OUTCOMES.get(type)
    if (outcome === undefined || !OUTCOMES.has(type) || remotePath === this.#endedPath) return null
    return this.#ended(remotePath, outcome, payload)
  }

  /** How this file's print ended, if it did within this connection. */
  outcomeOf(remotePath: string): { outcome: PrintOutcome; printSeconds: number | null } | undefined {
    return this.#outcomes.get(remotePath)
  }

  #ended(remotePath: string, outcome: PrintOutcome, payload: EventPayload['payload']): DriverEvent {
    const printSeconds = payload?.time ?? null
    this.#endedPath = remotePath
    this.#outcomes.set(remotePath, { outcome, printSeconds })
    const oldest = this.#outcomes.keys().next().value
    if (this.#outcomes.size > MAX_REMEMBERED && oldest !== undefined) this.#outcomes.delete(oldest)
    const detail = outcome === 'failed' ? (payload?.reason ?? null) : null
    return { type: 'printEnded', remotePath, hostJobRef: null, outcome, detail, printSeconds, filamentUsedMm: null }
  }

  #withSteadyProgress(report: HostReport): HostReport {
    const { job } = report
    if (job === null || !(isActive(report.state) || report.state === 'finished')) {
      this.#job = null
      return report
    }
    if (this.#job === null || this.#job.path !== job.remotePath) this.#job = { path: job.remotePath, progress: 0 }
    if (job.progress === null) return report
    this.#job.progress = Math.max(this.#job.progress, job.progress)
    return { ...report, job: { ...job, progress: this.#job.progress } }
  }
}
