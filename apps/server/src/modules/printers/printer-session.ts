import { pause, type Timers, type Unsubscribe } from '../../kernel/index.js'
import { checkedSignal } from './checked-signal.js'
import { millisecondsSince, momentOf, type LeaseTerm } from './lease-term.js'
import { DriverError, type DriverConnection, type DriverEvent, type HostReport } from './printer-driver.port.js'

/** The right of one instance to drive one printer; `epoch` tells this holding of it from every other. */
export interface Lease {
  printerId: string
  owner: string
  epoch: number
}

export type PrintEndedEvent = Extract<DriverEvent, { type: 'printEnded' }>

type Listener = (event: DriverEvent) => void

/** One connection to one leased printer, and what it says, for whoever works on the printer meanwhile. */
export class PrinterSession {
  private readonly listeners = new Set<Listener>()
  private lastEnd: PrintEndedEvent | null = null

  constructor(
    readonly lease: Lease,
    readonly connection: DriverConnection,
    /** Aborts when the connection or the lease ends. */
    readonly signal: AbortSignal,
    private report: HostReport,
    readonly clock: Timers,
    private readonly term?: Pick<LeaseTerm, 'isOver'>,
  ) {}

  /**
   * Whether this session may still act: asked before every word to the host, since a process that was frozen goes on
   * in the middle of its work, and does not know yet that another instance drives the printer by now.
   */
  get isOver(): boolean {
    return this.signal.aborted || this.term?.isOver === true
  }

  get latest(): HostReport {
    return this.report
  }

  /** The end of a print that the host told last: whoever was busy when it was told finds it here. */
  get latestEnd(): PrintEndedEvent | null {
    return this.lastEnd
  }

  publish(event: DriverEvent): void {
    if (event.type === 'report') this.report = event.report
    if (event.type === 'printEnded') this.lastEnd = event
    for (const listener of [...this.listeners]) listener(event)
  }

  on(listener: Listener): Unsubscribe {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  /**
   * A signal for one call to the host: ends with the session, with `also`, or after `ms`; aborted already when the lease is
   * over. Whoever reads `aborted` has the clocks looked at, so that no request of the call goes out late after a freeze.
   */
  deadline(ms: number, also?: AbortSignal): AbortSignal {
    const since = momentOf(this.clock)
    const whyLate = () => {
      if (this.isOver) return new DriverError('aborted', 'the session or its lease is over')
      if (millisecondsSince(since, this.clock) < ms) return null
      return new DriverError('timeout', `the call was not over within ${ms} ms`)
    }
    const over = whyLate()
    if (over !== null) return AbortSignal.abort(over)
    const signals = [this.signal, this.clock.deadline(ms), ...(also === undefined ? [] : [also])]
    return checkedSignal(AbortSignal.any(signals), whyLate)
  }

  /** Resolves after `ms`, or at once when the session ends: look at `signal` then. */
  pause(ms: number): Promise<void> {
    return pause(this.clock, ms, this.signal)
  }

  /**
   * Waits for the first event of which `pick` makes something.
   * @returns null when `ms` passed first
   * @throws DriverError `unreachable` when the session ended first
   */
  waitFor<T>(pick: (event: DriverEvent) => T | null, ms: number, also?: AbortSignal): Promise<T | null> {
    return new Promise((resolve, reject) => {
      const stop = () => {
        unsubscribe()
        callOff()
        this.signal.removeEventListener('abort', ended)
        also?.removeEventListener('abort', late)
      }
      const late = () => {
        stop()
        resolve(null)
      }
      const ended = () => {
        stop()
        reject(new DriverError('unreachable', 'the connection to the printer host ended'))
      }
      const unsubscribe = this.on((event) => {
        const picked = pick(event)
        if (picked === null) return
        stop()
        resolve(picked)
      })
      const callOff = this.clock.after(ms, late)
      this.signal.addEventListener('abort', ended, { once: true })
      also?.addEventListener('abort', late, { once: true })
      if (this.isOver) ended()
      else if (also?.aborted === true) late()
    })
  }
}

/** What works on a printer's attempts while there is a session; see `print-jobs`. */
export interface SessionWorker {
  /** Works until the session ends; must not throw. */
  serve(session: PrinterSession): Promise<void>
  /** The printer has had no session for a while; nothing is done when the lease is no longer valid. */
  lost(lease: Lease, detail: string | null): Promise<void>
}
