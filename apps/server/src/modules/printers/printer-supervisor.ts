import {
  jittered,
  pause,
  type CallOff,
  type Logger,
  type Random,
  type Timers,
  type UnitOfWork,
} from '../../kernel/index.js'
import type { LeaseTerm } from './lease-term.js'
import {
  DriverError,
  type DriverConnection,
  type DriverEvent,
  type HostReport,
  type HostState,
} from './printer-driver.port.js'
import { PrinterSession, type Lease, type SessionWorker } from './printer-session.js'
import type { PendingCommand } from './printer.state.js'
import type {
  CredentialSealer,
  DriverRegistry,
  FleetRepository,
  LinkObserver,
  PrinterLive,
  PrinterRecord,
} from './printers.ports.js'
import { printerKeyAt } from './printers.ports.js'

export interface SupervisorTimings {
  connectMs: number
  /** First and largest wait before connecting again; doubled in between, with jitter. */
  retryFromMs: number
  retryToMs: number
  /** For the proof that the host lets us upload and delete; asked again, with the same waits, while it fails. */
  probeMs: number
  /** How long a printer may be away before it counts as lost. */
  lostAfterMs: number
}

export const SUPERVISOR_TIMINGS: SupervisorTimings = {
  connectMs: 20_000,
  retryFromMs: 1_000,
  retryToMs: 60_000,
  probeMs: 30_000,
  lostAfterMs: 20_000,
}

export interface SupervisorDeps {
  unitOfWork: UnitOfWork<{ fleet: FleetRepository }>
  /** Reads a printer's row; null when there is none, or it was removed. */
  load: (printerId: string) => Promise<PrinterRecord | null>
  drivers: DriverRegistry
  sealer: CredentialSealer
  worker: SessionWorker
  /** Called with every change; must not throw. */
  onLive: (live: PrinterLive, record: PrinterRecord) => void
  /** Hears of every connection; must not throw. @default nobody */
  links?: LinkObserver
  clock: Timers
  random: Random
  log: Logger
  timings: SupervisorTimings
}

/** Drives one leased printer: connects, hands the session on, notices its end, and connects again. */
export class PrinterSupervisor {
  private readonly ended = new AbortController()
  private changed = new AbortController()
  private session: PrinterSession | null = null
  private callOffLost: CallOff | undefined
  private losing: Promise<void> = Promise.resolve()
  private loop: Promise<void> | null = null
  private current: PrinterRecord | null = null
  private loadsBegun = 0
  private loadShown = 0
  private connections = 0
  private heardAtMs: number | null = null
  /** Told of as away. */
  private isMissed = false
  private live: PrinterLive

  constructor(
    private readonly deps: SupervisorDeps,
    readonly lease: Lease,
    private readonly term: LeaseTerm,
  ) {
    this.live = {
      printerId: lease.printerId,
      boot: `${lease.owner}.${lease.epoch}`, // counting begins anew with each lease
      seq: 0,
      atMs: deps.clock.now(),
      link: 'connecting',
      linkError: null,
      report: null,
      permissions: null,
      pending: null,
      restsUntilMs: null,
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
    await this.losing
  }

  /** Loads the printer's row again; connects anew when what the connection depends on was changed. */
  async refresh(): Promise<void> {
    const take = this.expectRecord()
    take(await this.deps.load(this.lease.printerId))
  }

  /**
   * Announces that the row is being read: what comes of it is passed to the result, and ignored when a row read later
   * was taken meanwhile, so that the older one never wins.
   */
  expectRecord(): (record: PrinterRecord | null) => void {
    const load = ++this.loadsBegun
    return (record) => {
      if (load < this.loadShown) return
      this.loadShown = load
      const before = this.current
      this.current = record
      if (!sameTarget(before, record, this.deps.sealer)) this.changed.abort()
      if (record !== null) this.say({})
    }
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

  /** How long ago the host reported last, in milliseconds; null while there is no connection. */
  get reportAgeMs(): number | null {
    return this.heardAtMs === null ? null : this.deps.clock.monotonicMs() - this.heardAtMs
  }

  /** Shows a command that the host took and whose effect is not yet seen, for at most this long. */
  expect(kind: PendingCommand['kind'], forMs: number): void {
    const pending = { kind, untilMs: this.deps.clock.now() + forMs }
    const { report } = this.live
    // A quick host shows it before it answers, and says nothing new of it afterwards.
    this.say({ pending: report !== null && isShown(pending, report.state) ? null : pending })
  }

  /** Nothing that was ordered before is waited for any more. */
  expectNothing(): void {
    if (this.live.pending !== null) this.say({ pending: null })
  }

  /** Shows until when the printer is given no copy. */
  showRest(untilMs: number | null): void {
    if (untilMs !== this.live.restsUntilMs) this.say({ restsUntilMs: untilMs })
  }

  /** Says the latest again, so that listeners know it is still true. */
  repeat(): void {
    this.say({})
  }

  private async run(): Promise<void> {
    const { timings, random, log } = this.deps
    let waitMs = timings.retryFromMs
    this.armLost(null)
    while (!this.ended.signal.aborted && !this.term.isOver) {
      try {
        await this.refresh()
        this.changed = new AbortController()
        const hadSession = isWanted(this.current) && (await this.connectOnce(this.current))
        waitMs = hadSession ? timings.retryFromMs : Math.min(waitMs * 2, timings.retryToMs)
      } catch (error) {
        log.error({ err: error, printerId: this.lease.printerId }, 'printer supervisor failed; it goes on')
      }
      await this.rest(jittered(waitMs, random))
    }
  }

  /** @returns whether there was a session, after it has ended */
  private async connectOnce(record: PrinterRecord): Promise<boolean> {
    const { drivers, sealer, timings, clock } = this.deps
    const abort = new AbortController()
    const over = AbortSignal.any([this.ended.signal, this.changed.signal, abort.signal])
    const early: DriverEvent[] = []
    let sink = (event: DriverEvent): void => void early.push(event)
    try {
      const target = { url: record.url, apiKey: keyOf(sealer, record) }
      const callOff = clock.after(timings.connectMs, () =>
        abort.abort(new DriverError('timeout', 'the printer host did not get ready in time')),
      )
      const connection = await drivers
        .driverFor(record.kind)
        .connect(target, { signal: over, onEvent: (event) => sink(event) })
        .finally(callOff)
      await this.serve(connection, over, early, (next) => (sink = next))
      return true
    } catch (error) {
      const failure =
        error instanceof DriverError ? error : new DriverError('protocol', 'unexpected failure', { cause: error })
      this.tellAway(failure, 'printer host cannot be connected')
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
    const signal = AbortSignal.any([over, closing.signal])
    const session = new PrinterSession(this.lease, connection, signal, first, this.deps.clock, this.term)
    this.session = session
    this.connected()
    // What the host said before anybody could listen: the end of a print may be among it.
    for (const event of early) session.publish(event)
    listen((event) => {
      if (session.isOver) return
      if (event.type === 'report') this.observed(event.report)
      session.publish(event)
    })
    this.disarmLost()
    this.say({ link: 'connected', linkError: null, report: session.latest, permissions: null })
    const worked = this.work(session)
    const reason = await Promise.race([connection.closed, aborted(over)])
    closing.abort()
    this.session = null
    await connection.close()
    await worked
    if (reason !== null) this.tellAway(reason, 'the connection to a printer was lost')
    this.down(reason)
  }

  /** A warning when it goes away; while it is away, the tries that fail say nothing new. */
  private tellAway(failure: DriverError, message: string): void {
    if (this.ended.signal.aborted) return
    const { printerId } = this.lease
    const fields = { printerId, printerName: this.current?.name, code: failure.code, err: failure }
    this.deps.log[this.isMissed ? 'debug' : 'warn'](fields, message)
    this.isMissed = true
  }

  private tellBack(): void {
    if (!this.isMissed) return
    this.isMissed = false
    this.deps.log.info({ printerId: this.lease.printerId, printerName: this.current?.name }, 'a printer is back')
  }

  /** Works on the printer until the session ends. What it prints is followed at once, whatever the probe says. */
  private async work(session: PrinterSession): Promise<void> {
    const { worker, log } = this.deps
    try {
      // A loss that is just being recorded comes first: afterwards it would contradict what this session finds.
      await this.losing
      await Promise.all([worker.serve(session), this.introduce(session)])
    } catch (error) {
      log.error({ err: error, printerId: this.lease.printerId }, 'work on a printer failed; the connection begins anew')
      this.changed.abort()
    }
  }

  /** Stores who the host is, and proves what its key may do; until then the printer takes no job. */
  private async introduce(session: PrinterSession): Promise<void> {
    const { unitOfWork, log, timings, clock, random } = this.deps
    const { identity, capabilities } = session.connection
    const isOver = () => session.signal.aborted
    for (let waitMs = timings.retryFromMs; !isOver(); waitMs = Math.min(waitMs * 2, timings.retryToMs)) {
      try {
        const permissions = await session.connection.probePermissions(session.deadline(timings.probeMs))
        await unitOfWork.run(({ fleet }) =>
          fleet.saveHost(this.lease.printerId, { ...identity, capabilities: [...capabilities] }),
        )
        this.say({ permissions })
        return
      } catch (error) {
        if (isOver()) return
        log.warn({ err: error, printerId: this.lease.printerId }, 'the permission probe failed; it is tried again')
        await pause(clock, jittered(waitMs, random), session.signal)
      }
    }
  }

  private connected(): void {
    this.heardAtMs = this.deps.clock.monotonicMs()
    this.connections += 1
    this.tellBack()
    if (this.current !== null) this.deps.links?.connected(this.current.kind, this.connections > 1)
  }

  private observed(report: HostReport): void {
    this.heardAtMs = this.deps.clock.monotonicMs()
    const { pending } = this.live
    this.say({ report, ...(pending !== null && isShown(pending, report.state) ? { pending: null } : {}) })
  }

  private down(error: DriverError | null): void {
    if (this.ended.signal.aborted) return
    const wasConnected = this.heardAtMs !== null
    this.heardAtMs = null
    if (this.current !== null)
      this.deps.links?.[wasConnected ? 'lost' : 'failed'](this.current.kind, error?.code ?? null)
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
    this.callOffLost ??= this.deps.clock.after(this.deps.timings.lostAfterMs, () => {
      this.losing = this.deps.worker.lost(this.lease, detail).catch((error: unknown) => {
        this.deps.log.error({ err: error, printerId: this.lease.printerId }, 'a lost printer could not be recorded')
        this.disarmLost()
        if (this.session === null && !this.ended.signal.aborted) this.armLost(detail)
      })
    })
  }

  private disarmLost(): void {
    this.callOffLost?.()
    this.callOffLost = undefined
  }

  private say(change: Partial<PrinterLive>): void {
    this.live = { ...this.live, ...change, seq: this.live.seq + 1, atMs: this.deps.clock.now() }
    if (this.current !== null) this.deps.onLive(this.live, this.current)
  }

  private rest(ms: number): Promise<void> {
    return pause(this.deps.clock, ms, AbortSignal.any([this.ended.signal, this.changed.signal]))
  }
}

/** A printer that is switched off in Gantry is still followed while a copy is in hand there. */
const isWanted = (record: PrinterRecord | null): record is PrinterRecord =>
  record !== null && (record.enabled || record.activeAttempt !== null)

const sameTarget = (before: PrinterRecord | null, after: PrinterRecord | null, sealer: CredentialSealer): boolean =>
  isWanted(before) === isWanted(after) && before?.url === after?.url && sameKey(before, after, sealer)

const keyOf = (sealer: CredentialSealer, { id, apiKeyCipher }: PrinterRecord): string | null =>
  apiKeyCipher === null ? null : sealer.open(apiKeyCipher, printerKeyAt(id))

/** A key that was sealed anew is the same key: no connection ends because the server's own key was changed. */
const sameKey = (before: PrinterRecord | null, after: PrinterRecord | null, sealer: CredentialSealer): boolean => {
  if (before?.apiKeyCipher === after?.apiKeyCipher) return true
  if (before === null || after === null) return false
  try {
    return keyOf(sealer, before) === keyOf(sealer, after)
  } catch {
    // What cannot be opened shows when it is connected with.
    return false
  }
}

/** Whether the host's state shows what was ordered, or that there is nothing left to show. */
const isShown = (pending: PendingCommand, state: HostState): boolean =>
  pending.kind === 'pause' ? state !== 'printing' : !['printing', 'pausing', 'paused'].includes(state)

const aborted = (signal: AbortSignal): Promise<null> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve(null)
    else signal.addEventListener('abort', () => resolve(null), { once: true })
  })
