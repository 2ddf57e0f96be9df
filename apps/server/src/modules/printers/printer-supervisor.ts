import { jittered, SYSTEM_ACTOR, type Clock, type Logger, type Random, type UnitOfWork } from '../../kernel/index.js'
import { DriverError, type DriverConnection, type DriverEvent, type HostReport } from './printer-driver.port.js'
import { PrinterSession, type Lease, type SessionWorker } from './printer-session.js'
import type { PendingCommand } from './printer.state.js'
import type {
  CredentialSealer,
  DriverRegistry,
  FleetRepository,
  PrinterLive,
  PrinterRecord,
  PrinterRepository,
} from './printers.ports.js'

export interface SupervisorTimings {
  connectMs: number
  /** First and largest wait before connecting again; doubled in between, with jitter. */
  retryFromMs: number
  retryToMs: number
  /** How long a printer may be away before it counts as lost. */
  lostAfterMs: number
}

export const SUPERVISOR_TIMINGS: SupervisorTimings = {
  connectMs: 20_000,
  retryFromMs: 1_000,
  retryToMs: 60_000,
  lostAfterMs: 20_000,
}

export interface SupervisorDeps {
  unitOfWork: UnitOfWork<{ printers: PrinterRepository; fleet: FleetRepository }>
  drivers: DriverRegistry
  sealer: CredentialSealer
  worker: SessionWorker
  /** Called with every change; must not throw. */
  onLive: (live: PrinterLive, record: PrinterRecord) => void
  clock: Clock
  random: Random
  log: Logger
  timings: SupervisorTimings
}

/** Drives one leased printer: connects, hands the session on, notices its end, and connects again. */
export class PrinterSupervisor {
  private readonly ended = new AbortController()
  private changed = new AbortController()
  private session: PrinterSession | null = null
  private lostTimer: NodeJS.Timeout | undefined
  private loop: Promise<void> | null = null
  private current: PrinterRecord | null = null
  private live: PrinterLive

  constructor(
    private readonly deps: SupervisorDeps,
    readonly lease: Lease,
    boot: string,
  ) {
    this.live = {
      printerId: lease.printerId,
      boot,
      seq: 0,
      atMs: deps.clock.now(),
      link: 'connecting',
      linkError: null,
      report: null,
      permissions: null,
      pending: null,
    }
  }

  start(): void {
    this.loop ??= this.run()
  }

  /** Ends the connection; what the printer does goes on. */
  async stop(): Promise<void> {
    this.ended.abort()
    this.disarmLost()
    await this.loop
  }

  /** Loads the printer's row again; connects anew when what the connection depends on was changed. */
  async refresh(): Promise<void> {
    const before = this.current
    const record = await this.load()
    if (record !== null) this.say({})
    if (before === null || record === null) this.reconnect()
    else if (
      before.url !== record.url ||
      before.apiKeyCipher !== record.apiKeyCipher ||
      before.enabled !== record.enabled
    )
      this.reconnect()
  }

  get record(): PrinterRecord | null {
    return this.current
  }

  get state(): PrinterLive {
    return this.live
  }

  get openSession(): PrinterSession | null {
    return this.session
  }

  /** Shows a command that the host took and whose effect is not yet seen. */
  expect(pending: PendingCommand): void {
    this.say({ pending })
  }

  /** Says the latest again, so that listeners know it is still true. */
  repeat(): void {
    this.say({})
  }

  private async run(): Promise<void> {
    const { timings, random, log } = this.deps
    let waitMs = timings.retryFromMs
    this.armLost(null)
    while (!this.ended.signal.aborted) {
      this.changed = new AbortController()
      try {
        const record = await this.load()
        const hadSession = record?.enabled === true && (await this.connectOnce(record))
        waitMs = hadSession ? timings.retryFromMs : Math.min(waitMs * 2, timings.retryToMs)
      } catch (error) {
        log.error({ err: error, printerId: this.lease.printerId }, 'printer supervisor failed; it goes on')
      }
      await this.rest(jittered(waitMs, random))
    }
  }

  private reconnect(): void {
    this.changed.abort()
  }

  private async load(): Promise<PrinterRecord | null> {
    this.current = await this.deps.unitOfWork.run(({ printers }) => printers.get(SYSTEM_ACTOR, this.lease.printerId))
    return this.current
  }

  /** @returns whether there was a session, after it has ended */
  private async connectOnce(record: PrinterRecord): Promise<boolean> {
    const { drivers, sealer, timings, log } = this.deps
    const abort = new AbortController()
    const over = AbortSignal.any([this.ended.signal, this.changed.signal, abort.signal])
    const early: DriverEvent[] = []
    let sink = (event: DriverEvent): void => void early.push(event)
    try {
      const target = { url: record.url, apiKey: record.apiKeyCipher === null ? null : sealer.open(record.apiKeyCipher) }
      const timer = setTimeout(
        () => abort.abort(new DriverError('timeout', 'the printer host did not get ready in time')),
        timings.connectMs,
      )
      const connection = await drivers
        .driverFor(record.kind)
        .connect(target, { signal: over, onEvent: (event) => sink(event) })
        .finally(() => clearTimeout(timer))
      await this.serve(connection, over, early, (next) => (sink = next))
      return true
    } catch (error) {
      const failure =
        error instanceof DriverError ? error : new DriverError('protocol', 'unexpected failure', { cause: error })
      if (!this.ended.signal.aborted)
        log.info({ printerId: record.id, code: failure.code, err: failure }, 'printer host cannot be connected')
      this.down(failure)
      return false
    } finally {
      abort.abort()
    }
  }

  private async serve(
    connection: DriverConnection,
    over: AbortSignal,
    early: DriverEvent[],
    listen: (sink: (event: DriverEvent) => void) => void,
  ): Promise<void> {
    const closing = new AbortController()
    const first = early.findLast((event) => event.type === 'report')?.report ?? (await connection.readReport(over))
    const session = new PrinterSession(this.lease, connection, AbortSignal.any([over, closing.signal]), first)
    this.session = session
    listen((event) => {
      if (event.type === 'report') this.observed(event.report)
      session.publish(event)
    })
    this.disarmLost()
    this.say({ link: 'connected', linkError: null, report: first, permissions: null })
    const worked = this.work(session)
    const reason = await Promise.race([connection.closed, aborted(over)])
    closing.abort()
    this.session = null
    await connection.close()
    await worked
    this.down(reason)
  }

  private async work(session: PrinterSession): Promise<void> {
    const { unitOfWork, worker, log } = this.deps
    const { connection } = session
    try {
      const { identity, capabilities } = connection
      await unitOfWork.run(({ fleet }) =>
        fleet.saveHost(this.lease.printerId, { ...identity, capabilities: [...capabilities] }),
      )
      const permissions = await connection.probePermissions(session.deadline(30_000))
      this.say({ permissions })
    } catch (error) {
      if (!session.signal.aborted)
        log.warn({ err: error, printerId: this.lease.printerId }, 'the permission probe failed')
    }
    if (!session.signal.aborted) await worker.serve(session)
  }

  private observed(report: HostReport): void {
    const settled = this.live.pending !== null && report.state !== 'printing' && report.state !== 'paused'
    this.say({ report, ...(settled ? { pending: null } : {}) })
  }

  private down(error: DriverError | null): void {
    if (this.ended.signal.aborted) return
    this.say({
      link: 'down',
      linkError: error === null ? null : { code: error.code, message: error.message },
      report: null,
      permissions: null,
      pending: null,
    })
    this.armLost(error?.message ?? null)
  }

  /** Counts from the moment the printer went away: further failures to connect do not move it. */
  private armLost(detail: string | null): void {
    this.lostTimer ??= setTimeout(() => {
      this.deps.worker.lost(this.lease.printerId, detail).catch((error: unknown) => {
        this.deps.log.error({ err: error, printerId: this.lease.printerId }, 'a lost printer could not be recorded')
        this.disarmLost()
        this.armLost(detail)
      })
    }, this.deps.timings.lostAfterMs)
  }

  private disarmLost(): void {
    clearTimeout(this.lostTimer)
    this.lostTimer = undefined
  }

  private say(change: Partial<PrinterLive>): void {
    this.live = { ...this.live, ...change, seq: this.live.seq + 1, atMs: this.deps.clock.now() }
    if (this.current !== null) this.deps.onLive(this.live, this.current)
  }

  private rest(ms: number): Promise<void> {
    const over = AbortSignal.any([this.ended.signal, this.changed.signal])
    if (over.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms)
      over.addEventListener('abort', () => {
        clearTimeout(timer)
        resolve()
      })
    })
  }
}

const aborted = (signal: AbortSignal): Promise<null> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve(null)
    else signal.addEventListener('abort', () => resolve(null), { once: true })
  })
