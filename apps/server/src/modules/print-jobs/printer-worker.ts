import {
  correlated,
  ended,
  resumed,
  type Clock,
  type Logger,
  type Tracer,
  type Unsubscribe,
} from '../../kernel/index.js'
import { DriverError } from '../printers/printer-driver.port.js'
import type { Lease, PrinterSession, SessionWorker } from '../printers/printer-session.js'
import { isBusy } from '../printers/printer.state.js'
import { isStale, type AttemptConduct } from './attempt-conduct.js'
import type { AttemptLedger } from './attempt-ledger.js'
import { isUnwanted } from './attempt-facts.js'
import { isActive } from './attempt.state.js'
import { blameFor } from './blame.js'
import type { ForeignPrints } from './foreign-prints.js'
import type { PastPrints } from './past-prints.js'
import type { AttemptRecord } from './print-jobs.ports.js'
import { isOurRemoteName, nameOf } from './remote-name.js'

const FILES_PER_SWEEP = 50
const FIRST_COOL_DOWN_MS = 5_000
const LONGEST_COOL_DOWN_MS = 10 * 60_000
/** A host writes down a print a moment after it told of its end. */
const WRITTEN_DOWN_AFTER_MS = 5_000

interface Busy {
  attempt: AttemptRecord
  cancel: AbortController
}

interface CoolDown {
  failures: number
  untilMs: number
}

export interface WorkerDeps {
  ledger: AttemptLedger
  conduct: AttemptConduct
  foreign: ForeignPrints
  past: PastPrints
  clock: Clock
  log: Logger
  tracer: Tracer
  /** Called when a printer may take the next copy. */
  onFree: () => void
  /** Called when a printer that gave its copy back is to rest until then, and when it need not any more (null). */
  onRest: (printerId: string, untilMs: number | null) => void
}

/** Works on the attempts of the printers that this instance drives: one at a time per printer. */
export class PrinterWorker implements SessionWorker {
  private readonly busy = new Map<string, Busy>()
  private looking: Promise<void> = Promise.resolve()
  private nextLook: Promise<void> | null = null
  private readonly waiting = new Map<string, () => void>()
  private readonly coolDowns = new Map<string, CoolDown>()
  /** Printers whose files were looked through in this session. */
  private readonly swept = new Set<string>()
  /** Printers that take no copy before it is known what they printed while nobody looked. */
  private readonly unread = new Set<string>()

  constructor(private readonly deps: WorkerDeps) {}

  async serve(session: PrinterSession): Promise<void> {
    const { printerId } = session.lease
    const watched = new Set<string>()
    const unwatch = this.watchForeign(session, watched)
    this.swept.delete(printerId)
    this.unread.add(printerId)
    this.deps.onRest(printerId, this.restsUntilMs(printerId))
    try {
      while (!session.signal.aborted) await this.workOnce(session, watched)
    } finally {
      unwatch()
      this.deps.foreign.forget(printerId)
    }
  }

  async lost(lease: Lease, detail: string | null): Promise<void> {
    try {
      await this.deps.ledger.lost(lease, detail)
    } catch (error) {
      if (!isStale(error)) throw error
    }
  }

  /** Tells that a claim was made for this printer. */
  claimed(printerId: string): void {
    this.waiting.get(printerId)?.()
  }

  /** Whether the printer could take a claim: somebody serves it, with nothing in hand, and it is not cooling down. */
  isFree(printerId: string): boolean {
    return this.isIdle(printerId) && this.restsUntilMs(printerId) === null
  }

  /** Whether the printer has a session and nothing in hand. */
  isIdle(printerId: string): boolean {
    return this.waiting.has(printerId)
  }

  /** Until when the printer takes no copy, since it gave the last one back; null when it does not rest. */
  private restsUntilMs(printerId: string): number | null {
    const untilMs = this.coolDowns.get(printerId)?.untilMs ?? 0
    return untilMs > this.deps.clock.now() ? untilMs : null
  }

  /** Looks up which copies in hand somebody wants stopped. */
  noticeCancels(): Promise<void> {
    // Whoever asks during a look waits for the next, which all who ask meanwhile share.
    this.nextLook ??= this.looking.then(() => {
      this.nextLook = null
      const look = this.lookForCancels()
      this.looking = look.catch(() => undefined)
      return look
    })
    return this.nextLook
  }

  private async lookForCancels(): Promise<void> {
    const asked = [...this.busy].filter(([, { cancel }]) => !cancel.signal.aborted)
    if (asked.length === 0) return
    const wanted = new Set(await this.deps.ledger.unwantedOn(asked.map(([printerId]) => printerId)))
    // Looked up again by what was asked about: the printer may have another copy in hand by now.
    for (const [printerId, { cancel }] of asked) if (wanted.has(printerId)) cancel.abort()
  }

  private async workOnce(session: PrinterSession, watched: ReadonlySet<string>): Promise<void> {
    const { printerId } = session.lease
    try {
      const attempt = await this.nextAttempt(session, watched)
      if (attempt !== null) {
        await this.carryOut(attempt, session)
        return
      }
      await this.removeLeftFiles(session)
      await this.nextClaim(session)
    } catch (error) {
      if (session.signal.aborted) return
      if (error instanceof DriverError)
        this.deps.log.warn({ err: error, printerId }, 'the printer host did not answer; it is asked again')
      else if (!isStale(error))
        this.deps.log.error({ err: error, printerId }, 'work on an attempt failed; it is taken up again')
      await session.pause(1_000)
    }
  }

  /** What is in hand; nothing is begun before it is known what was printed meanwhile. */
  private async nextAttempt(session: PrinterSession, watched: ReadonlySet<string>): Promise<AttemptRecord | null> {
    const { printerId } = session.lease
    const attempt = await this.deps.ledger.find(printerId)
    const isBegun = attempt !== null && attempt.state !== 'claimed'
    if (isBegun || !this.unread.delete(printerId)) return attempt
    try {
      await this.deps.past.look(session, watched)
    } catch (error) {
      this.unread.add(printerId)
      throw error
    }
    return attempt === null ? null : this.deps.ledger.find(printerId)
  }

  private async carryOut(attempt: AttemptRecord, session: PrinterSession): Promise<void> {
    const { printerId } = session.lease
    const cancel = new AbortController()
    if (isUnwanted(attempt)) cancel.abort()
    this.busy.set(printerId, { attempt, cancel })
    // A wish that came between the look at the attempt and this line was told to nobody.
    this.noticeCancels().catch((err: unknown) =>
      this.deps.log.warn({ err, printerId }, 'a wish to cancel could not be looked up; the next sweep does'),
    )
    try {
      await this.traced(attempt, () => this.deps.conduct.carryOut({ attempt, session, cancelled: cancel.signal }))
    } finally {
      this.busy.delete(printerId)
    }
    await this.learn(attempt)
    this.deps.onRest(printerId, this.restsUntilMs(printerId))
  }

  /** As a part of what ordered the job, however long ago that was. */
  private traced({ id, jobId, printerId, origin }: AttemptRecord, carryOut: () => Promise<void>): Promise<void> {
    const work = resumed(this.deps.tracer, 'attempt', origin, { attemptId: id, printJobId: jobId, printerId })
    work.span?.set({ 'gantry.attempt.id': id, 'gantry.print_job.id': jobId, 'gantry.printer.id': printerId })
    return ended(work.span, correlated(work, carryOut))
  }

  /** A printer that gave copies back rests, longer each time, so that a broken one does not pull the queue through it. */
  private async learn({ id, printerId }: AttemptRecord): Promise<void> {
    const attempt = await this.deps.ledger.get(id)
    if (attempt === null || isActive(attempt.state)) return
    if (attempt.state !== 'revoked') {
      this.coolDowns.delete(printerId)
      return
    }
    const { on, needsPerson } = blameFor(attempt.reason)
    // A printer that is held does not rest too: whoever releases it has helped it.
    if (on !== 'printer' || needsPerson) return
    const failures = (this.coolDowns.get(printerId)?.failures ?? 0) + 1
    const restMs = Math.min(FIRST_COOL_DOWN_MS * 2 ** (failures - 1), LONGEST_COOL_DOWN_MS)
    this.coolDowns.set(printerId, { failures, untilMs: this.deps.clock.now() + restMs })
  }

  private async removeLeftFiles(session: PrinterSession): Promise<void> {
    const { printerId } = session.lease
    const left = await this.deps.ledger.listWithFileOn(printerId, FILES_PER_SWEEP)
    for (const attempt of left) {
      if (session.signal.aborted) return
      await this.deps.conduct.removeFile(attempt, session)
    }
    if (this.swept.has(printerId)) return
    this.swept.add(printerId)
    await this.deps.conduct.removeStrays(session)
  }

  private nextClaim(session: PrinterSession): Promise<void> {
    const { printerId } = session.lease
    return new Promise((resolve) => {
      const done = () => {
        session.signal.removeEventListener('abort', done)
        this.waiting.delete(printerId)
        resolve()
      }
      session.signal.addEventListener('abort', done, { once: true })
      if (session.signal.aborted) return done()
      this.waiting.set(printerId, done)
      this.deps.onFree()
    })
  }

  private watchForeign(session: PrinterSession, watched: Set<string>): Unsubscribe {
    const { printerId } = session.lease
    const look = () => {
      const { job, state } = session.latest
      const path = isBusy(state) ? (job?.remotePath ?? null) : null
      const own = this.busy.get(printerId)?.attempt.remoteName
      const foreign = path !== null && nameOf(path) === own ? null : path
      if (foreign !== null) watched.add(foreign)
      this.deps.foreign.observe(printerId, foreign)
    }
    look()
    return session.on((event) => {
      if (event.type === 'report') look()
      if (event.type !== 'printEnded' || isOurRemoteName(event.remotePath)) return
      watched.add(event.remotePath)
      this.deps.foreign.ended(printerId, event.remotePath)
      void this.lookAgain(session)
    })
  }

  /** So that the print which was seen now is known at the next connection. */
  private async lookAgain(session: PrinterSession): Promise<void> {
    const { printerId } = session.lease
    await session.pause(WRITTEN_DOWN_AFTER_MS)
    if (session.signal.aborted) return
    this.unread.add(printerId)
    this.waiting.get(printerId)?.()
  }
}
