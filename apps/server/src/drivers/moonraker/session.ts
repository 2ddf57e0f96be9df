import type { Clock } from '../../kernel/clock.js'
import type { DriverCapability, DriverEvent, HostReport } from '../../modules/printers/printer-driver.port.js'
import { NetError } from '../../net/net-error.js'
import { createReportThrottle, type ReportThrottle } from '../report-throttle.js'

import { toDriverError } from './driver-errors.js'
import { heaterObjects } from './heaters.js'
import { isActive, mapReport, mapState, type KlippyView } from './mapper.js'
import { PendingOrderSlot } from './pending-order.js'
import { RpcError } from './rpc-error.js'
import { RunTracker } from './run-tracker.js'
import type { CallOptions, RpcSocket } from './socket.js'
import { JOB_OBJECTS, mergeStatus, readStatus } from './status.js'
import {
  fileMetadata,
  historyChange,
  historyPage,
  objectList,
  printerInfo,
  serverInfo,
  statusReply,
  statusUpdate,
  type HistoryJob,
  type PrinterStatus,
  type ServerInfo,
} from './wire.js'

export interface SessionOptions {
  signal: AbortSignal
  onEvent: (event: DriverEvent) => void
  clock: Clock
  reportIntervalMs: number
  /** How often Klippy is looked for while it is away; Moonraker does not tell of every state. */
  klippyPollMs: number
}

const GONE: KlippyView = { connected: false, state: 'disconnected', message: null }
const ALWAYS: DriverCapability[] = ['emergencyStop', 'setTemperature']

/** Follows one printer through Moonraker's push channel, over every restart of Klippy. */
export class MoonrakerSession {
  readonly capabilities = new Set<DriverCapability>(ALWAYS)
  readonly pending: PendingOrderSlot
  hasHistory = false
  readonly #socket: RpcSocket
  readonly #options: SessionOptions
  readonly #tracker: RunTracker
  readonly #throttle: ReportThrottle
  #klippy = GONE
  #status: PrinterStatus = {}
  #heaters: string[] = []
  #isSubscribed = false
  #isFollowing = false
  #notice: string | null = null
  #syncing: Promise<void> | null = null
  #syncAgain = false
  #pollTimer: NodeJS.Timeout | undefined

  constructor(socket: RpcSocket, options: SessionOptions) {
    this.#socket = socket
    this.#options = options
    this.pending = new PendingOrderSlot(options.clock)
    this.#tracker = new RunTracker(options.onEvent)
    const emit = (report: HostReport) => options.onEvent({ type: 'report', report })
    this.#throttle = createReportThrottle(emit, options.reportIntervalMs)
    void socket.closed.then(() => this.#stop())
  }

  /** Reads everything once, reports it, and follows from then on. @throws RpcError, NetError, DriverError */
  async start(info: ServerInfo): Promise<void> {
    this.hasHistory = info.components?.includes('history') ?? false
    if (this.hasHistory) this.capabilities.add('history')
    await this.#sync(info).catch((error: unknown) => {
      // Klippy went away in this moment; it is looked for as if it had never been there.
      if (!(error instanceof RpcError)) throw error
      this.#klippy = GONE
      this.#pollLater()
    })
    this.#isFollowing = true
    this.#changed()
  }

  notify(method: string, params: unknown): void {
    if (method === 'notify_status_update') this.#takeUpdate(params)
    else if (method === 'notify_history_changed') this.#takeHistory(params)
    else if (method === 'notify_klippy_disconnected') this.#loseKlippy()
    else if (method === 'notify_klippy_shutdown') this.#requestSync()
    else if (method === 'notify_klippy_ready') {
      // Subscriptions die with Klippy, and its objects may be others after a restart.
      this.#isSubscribed = false
      this.#requestSync()
    }
  }

  /** The same view as in reports, but made of what the host says now. @throws RpcError, NetError, DriverError */
  async readNow(signal: AbortSignal): Promise<HostReport> {
    const { klippy, status } = await this.readPrinter(signal, this.#selection())
    const state = mapState(klippy, readStatus(status), this.pending.current)
    const shown = state === 'offline' ? {} : status
    return this.#report(await this.#withMessage(klippy, signal), shown)
  }

  /** Klippy's state and the job's objects, asked of the host now. @throws RpcError, NetError, DriverError */
  async readPrinter(
    signal: AbortSignal,
    selection = JOB_OBJECTS,
  ): Promise<{ klippy: KlippyView; status: PrinterStatus }> {
    const klippy = klippyOf(await this.#socket.call('server.info', {}, serverInfo, { signal }))
    if (!klippy.connected || klippy.state === 'startup') return { klippy, status: {} }
    const query = this.#socket.call('printer.objects.query', { objects: selection }, statusReply, { signal })
    const status = await query.then(
      (reply) => reply.status,
      (error: unknown) => {
        // With a broken configuration Klippy answers, but has no objects.
        if (error instanceof RpcError) return {}
        throw error
      },
    )
    return { klippy, status }
  }

  /** Shows a person something that no printer object tells, until the next order. */
  note(text: string): void {
    this.#notice = text
    this.#changed()
  }

  /** To be called when an order was given or failed. */
  orderChanged(): void {
    this.#notice = null
    this.#changed()
  }

  isKnownHeater(name: string): boolean {
    return this.#heaters.includes(name)
  }

  #changed(): void {
    if (!this.#isFollowing) return
    const printer = readStatus(this.#status)
    const state = mapState(this.#klippy, printer, null)
    const active = isActive(this.#klippy, printer)
    if (state === 'error')
      this.#tracker.fail(printer.webhooks.state_message ?? this.#klippy.message ?? 'Klipper stopped')
    else if (this.#isSubscribed && state !== 'offline') this.#tracker.observe(printer, active)
    this.pending.settle(printer, active)
    this.#lookUpMetadata()
    this.#throttle.push(this.#report(this.#klippy, this.#status))
  }

  #report(klippy: KlippyView, status: PrinterStatus): HostReport {
    const run = this.#tracker.factsOf(readStatus(status).printStats.filename)
    const { current } = this.pending
    return mapReport({ klippy, status, heaters: this.#heaters, pending: current, run, notice: this.#notice })
  }

  #takeUpdate(params: unknown): void {
    const update = statusUpdate.safeParse(params)
    if (!update.success || !this.#isSubscribed) return
    this.#status = mergeStatus(this.#status, update.data[0])
    this.#changed()
  }

  #takeHistory(params: unknown): void {
    const change = historyChange.safeParse(params)
    if (!change.success || !this.#isFollowing) return
    const { action, job } = change.data[0]
    if (action === 'added') {
      this.#tracker.historyAdded(job)
      this.#changed()
    } else if (action === 'finished') {
      // No report: the printer's own word on the end follows, or came before.
      this.#tracker.historyFinished(job)
    }
  }

  #loseKlippy(): void {
    this.#klippy = GONE
    this.#status = {}
    this.#isSubscribed = false
    this.#tracker.loseSight()
    this.#changed()
    this.#requestSync()
  }

  /** Brings our picture up to date; a request during one asks for another. */
  #requestSync(): void {
    clearTimeout(this.#pollTimer)
    if (this.#syncing !== null) {
      this.#syncAgain = true
      return
    }
    this.#syncing = this.#resync().finally(() => {
      this.#syncing = null
      if (this.#syncAgain) {
        this.#syncAgain = false
        this.#requestSync()
      }
    })
  }

  async #resync(): Promise<void> {
    try {
      await this.#sync(await this.#call('server.info', serverInfo))
      this.#changed()
    } catch (error) {
      const isPassing = error instanceof RpcError || (error instanceof NetError && error.code === 'timeout')
      if (isPassing) this.#pollLater()
      else this.#socket.end(toDriverError(error))
    }
  }

  async #sync(info: ServerInfo): Promise<void> {
    this.#klippy = await this.#withMessage(klippyOf(info), this.#options.signal)
    if (this.#klippy.state !== 'ready') this.#pollLater()
    const hasObjects = this.#klippy.state === 'ready' || this.#klippy.state === 'shutdown'
    if (this.#klippy.connected && hasObjects && !this.#isSubscribed) await this.#subscribe()
  }

  async #subscribe(): Promise<void> {
    const { objects } = await this.#call('printer.objects.list', objectList)
    this.#heaters = heaterObjects(objects)
    this.#learnCapabilities(objects)
    const newest = await this.#newestJob()
    const params = { objects: this.#selection(objects) }
    await this.#call('printer.objects.subscribe', statusReply, params, (reply) => {
      this.#status = reply.status
      this.#isSubscribed = true
      const printer = readStatus(reply.status)
      if (!this.#isFollowing) this.#tracker.adopt(printer, isActive(this.#klippy, printer), newest)
      this.#changed()
    })
  }

  async #newestJob(): Promise<HistoryJob | null> {
    if (!this.hasHistory || this.#isFollowing) return null
    const page = await this.#call('server.history.list', historyPage, { limit: 1, order: 'desc' })
    return page.jobs[0] ?? null
  }

  #selection(objects: readonly string[] | null = null): Record<string, string[] | null> {
    const job = Object.entries(JOB_OBJECTS).filter(([name]) => objects === null || objects.includes(name))
    const heaters = this.#heaters.map((name): [string, string[]] => [name, ['temperature', 'target']])
    return Object.fromEntries([...job, ...heaters])
  }

  #learnCapabilities(objects: readonly string[]): void {
    const found: [DriverCapability, boolean][] = [
      ['pause', objects.includes('pause_resume')],
      ['layers', objects.includes('print_stats')],
      ['chamber', this.#heaters.some((name) => /chamber/i.test(name))],
    ]
    for (const [capability, has] of found) {
      if (has) this.capabilities.add(capability)
      else this.capabilities.delete(capability)
    }
  }

  #lookUpMetadata(): void {
    const path = this.#tracker.takeUnknownPath()
    if (path === null) return
    this.#call('server.files.metadata', fileMetadata, { filename: path }).then(
      (metadata) => this.#tracker.learn(path, metadata),
      // Not every file has metadata; the print is shown without an estimate then.
      () => undefined,
    )
  }

  async #withMessage(klippy: KlippyView, signal: AbortSignal): Promise<KlippyView> {
    if (!klippy.connected || (klippy.state !== 'error' && klippy.state !== 'shutdown')) return klippy
    const info = await this.#socket.call('printer.info', {}, printerInfo, { signal })
    return { ...klippy, message: info.state_message }
  }

  #pollLater(): void {
    clearTimeout(this.#pollTimer)
    this.#pollTimer = setTimeout(() => this.#requestSync(), this.#options.klippyPollMs)
  }

  #stop(): void {
    this.#isFollowing = false
    clearTimeout(this.#pollTimer)
    this.#throttle.stop()
  }

  #call<T>(method: string, schema: Schema<T>, params: object = {}, onResult?: (result: T) => void): Promise<T> {
    const options: CallOptions<T> = { signal: this.#options.signal, ...(onResult === undefined ? {} : { onResult }) }
    return this.#socket.call(method, params, schema, options)
  }
}

type Schema<T> = Parameters<typeof RpcSocket.prototype.call<T>>[2]

const klippyOf = (info: ServerInfo): KlippyView => ({
  connected: info.klippy_connected === true,
  state: info.klippy_connected === true ? (info.klippy_state ?? 'startup') : 'disconnected',
  message: null,
})
