import { randomBytes } from 'node:crypto'

import {
  type DriverCapability,
  type DriverConnection,
  DriverError,
  type DriverEvent,
  type HistoryEntry,
  type HostIdentity,
  type HostReport,
  type PermissionProbe,
  type PrintEvidence,
  type RemoteFile,
  type RevokeAnswer,
  type StartAnswer,
  type UploadOptions,
  type UploadSource,
} from '../../modules/printers/printer-driver.port.js'
import { createReportThrottle, type ReportThrottle } from '../report-throttle.js'
import type { OctoPrintClient } from './client.js'
import { evidenceFor } from './evidence.js'
import { flattenListing, lastPrintsOf } from './listing.js'
import { commandJob, emergencyStop, probePermissions, revoke, setTemperature, start } from './orders.js'
import type { OctoPrintSocket, SocketHandlers } from './socket.js'
import { OctoPrintTracker } from './tracker.js'
import type { EventPayload, StatusPayload } from './wire.js'

/** Nothing is pushed while OctoPrint has no printer, so a silent channel is asked by REST. */
const DEFAULT_SILENCE_MS = 60_000

export interface ConnectionOptions {
  /** @default 60_000 */
  silenceMs?: number
  /** Between two reports that differ only in numbers. @default 1000 */
  reportIntervalMs?: number
}

/** One connection to one OctoPrint. Made by the driver, which calls `open` before it hands it over. */
export class OctoPrintConnection implements DriverConnection, SocketHandlers {
  readonly capabilities: ReadonlySet<DriverCapability>
  readonly #capabilities = new Set<DriverCapability>(['pause', 'emergencyStop', 'setTemperature'])
  readonly #tracker = new OctoPrintTracker()
  readonly #throttle: ReportThrottle
  #socket!: OctoPrintSocket
  /** The last frame that came while the host was asked by REST: newer than the answer, or as good. */
  #frameMeanwhile: StatusPayload | null = null
  #asking = true
  #watch: NodeJS.Timeout | undefined

  constructor(
    readonly identity: HostIdentity,
    private readonly client: OctoPrintClient,
    private readonly onDriverEvent: (event: DriverEvent) => void,
    private readonly signal: AbortSignal,
    private readonly options: ConnectionOptions = {},
  ) {
    this.capabilities = this.#capabilities
    this.#throttle = createReportThrottle(
      (report) => onDriverEvent({ type: 'report', report }),
      options.reportIntervalMs,
    )
  }

  get closed(): Promise<DriverError | null> {
    return this.#socket.closed
  }

  /** Opens the push channel and emits the first full report, read by REST. @throws DriverError */
  async open(socket: OctoPrintSocket): Promise<void> {
    this.#socket = socket
    try {
      await socket.open()
      await this.#refresh()
    } catch (error) {
      await this.close()
      throw error
    }
    const silenceMs = this.options.silenceMs ?? DEFAULT_SILENCE_MS
    this.#watch = setInterval(() => this.#askWhenSilent(silenceMs), silenceMs / 4)
    void socket.closed.then(() => this.#stop())
  }

  onStatus(status: StatusPayload): void {
    if (this.#asking) this.#frameMeanwhile = status
    else this.#throttle.push(this.#tracker.push(status))
  }

  onEvent(event: EventPayload): void {
    const meaning = this.#tracker.event(event)
    if (meaning !== null) this.onDriverEvent(meaning)
  }

  probePermissions(signal: AbortSignal): Promise<PermissionProbe> {
    return probePermissions(this.client, `gantry-probe-${randomBytes(5).toString('hex')}.gcode`, signal)
  }

  async readReport(signal: AbortSignal): Promise<HostReport> {
    return this.#tracker.observe(await this.client.observe(signal))
  }

  async upload(source: UploadSource, remoteName: string, options: UploadOptions): Promise<{ remotePath: string }> {
    const remotePath = await this.client.upload(source, remoteName, options)
    const stored = await this.client.file(remotePath, options.signal)
    if (stored?.size !== source.sizeBytes) {
      const size = stored === null ? 'nothing' : `${stored.size ?? 'an unknown number of'} bytes`
      throw new DriverError('protocol', `the host stored ${size} instead of ${source.sizeBytes} bytes`)
    }
    return { remotePath }
  }

  start(remotePath: string, signal: AbortSignal): Promise<StartAnswer> {
    return start(this.client, remotePath, signal)
  }

  pause(remotePath: string | null, signal: AbortSignal): Promise<void> {
    return commandJob(this.client, 'pause', remotePath, signal)
  }

  resume(remotePath: string | null, signal: AbortSignal): Promise<void> {
    return commandJob(this.client, 'resume', remotePath, signal)
  }

  cancel(remotePath: string | null, signal: AbortSignal): Promise<void> {
    return commandJob(this.client, 'cancel', remotePath, signal)
  }

  emergencyStop(signal: AbortSignal): Promise<void> {
    return emergencyStop(this.client, signal)
  }

  revoke(remotePath: string, signal: AbortSignal): Promise<RevokeAnswer> {
    return revoke(this.client, remotePath, signal)
  }

  async evidence(remotePath: string, signal: AbortSignal): Promise<PrintEvidence> {
    const [observation, file] = await Promise.all([this.client.observe(signal), this.client.file(remotePath, signal)])
    return evidenceFor(remotePath, { observation, file, told: this.#tracker.outcomeOf(remotePath) })
  }

  async listFiles(limit: number, signal: AbortSignal): Promise<RemoteFile[]> {
    return flattenListing(await this.client.files(signal), limit)
  }

  async history(limit: number, signal: AbortSignal): Promise<HistoryEntry[]> {
    return lastPrintsOf(await this.client.files(signal), limit)
  }

  setTemperature(heater: string, targetCelsius: number, signal: AbortSignal): Promise<void> {
    return setTemperature(this.client, heater, targetCelsius, signal)
  }

  async close(): Promise<void> {
    this.#stop()
    this.#socket.close()
    await this.#socket.closed
  }

  /** Reports what REST says, and then what was pushed since: a frame may be the last one for long. */
  async #refresh(): Promise<void> {
    this.#asking = true
    this.#frameMeanwhile = null
    try {
      const report = this.#tracker.observe(await this.client.observe(this.signal))
      if (report.heaters.some(({ kind }) => kind === 'chamber')) this.#capabilities.add('chamber')
      this.#throttle.push(report)
    } finally {
      this.#asking = false
    }
    const frame = this.#takeFrame()
    if (frame !== null) this.#throttle.push(this.#tracker.push(frame))
  }

  #takeFrame(): StatusPayload | null {
    const frame = this.#frameMeanwhile
    this.#frameMeanwhile = null
    return frame
  }

  #askWhenSilent(silenceMs: number): void {
    if (performance.now() - this.#socket.lastFrameAt < silenceMs) return
    this.#socket.lastFrameAt = performance.now()
    this.#refresh().catch((error: unknown) => {
      this.#socket.close(
        error instanceof DriverError ? error : new DriverError('protocol', 'unexpected failure', { cause: error }),
      )
    })
  }

  #stop(): void {
    clearInterval(this.#watch)
    this.#throttle.stop()
  }
}
