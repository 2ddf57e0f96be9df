import type { Reason } from '@gantry/schemas'

import type { Clock, Logger, Unsubscribe } from '../../kernel/index.js'
import type { PrinterSession, SessionWorker } from '../printers/printer-session.js'
import { isBusy } from '../printers/printer.state.js'
import { isStale, type AttemptConduct } from './attempt-conduct.js'
import type { AttemptLedger } from './attempt-ledger.js'
import type { ForeignPrints } from './foreign-prints.js'
import type { AttemptRecord } from './print-jobs.ports.js'

const FILES_PER_SWEEP = 50
const FIRST_COOL_DOWN_MS = 5_000
const LONGEST_COOL_DOWN_MS = 10 * 60_000

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
  clock: Clock
  log: Logger
  /** Called when a printer may take the next copy. */
  onFree: () => void
}

/** Works on the attempts of the printers that this instance drives: one at a time per printer. */
export class PrinterWorker implements SessionWorker {
  private readonly busy = new Map<string, Busy>()
  private readonly waiting = new Map<string, () => void>()
  private readonly coolDowns = new Map<string, CoolDown>()

  constructor(private readonly deps: WorkerDeps) {}

  async serve(session: PrinterSession): Promise<void> {
    const unwatch = this.watchForeign(session)
    try {
      while (!session.signal.aborted) await this.workOnce(session)
    } finally {
      unwatch()
    }
  }

  /** The printer has been away too long: what it printed is in doubt until it comes back. */
  async lost(printerId: string, detail: string | null): Promise<void> {
    const attempt = await this.deps.ledger.find(printerId)
    if (attempt === null || attempt.state === 'unknown') return
    const reason: Reason = { code: 'PRINTER_LOST', params: { attemptId: attempt.id, detail } }
    if (attempt.state === 'claimed') await this.deps.ledger.revoke(attempt.id, reason)
    else await this.deps.ledger.markUnknown(attempt.id, reason)
  }

  /** Tells that a claim was made for this printer. */
  claimed(printerId: string): void {
    this.waiting.get(printerId)?.()
  }

  /** Whether the printer could take a claim: somebody serves it, with nothing in hand, and it is not cooling down. */
  isFree(printerId: string): boolean {
    return this.waiting.has(printerId) && (this.coolDowns.get(printerId)?.untilMs ?? 0) <= this.deps.clock.now()
  }

  /** Looks up whether somebody wants the copy in hand cancelled. */
  async noticeCancel(printerId: string): Promise<void> {
    const busy = this.busy.get(printerId)
    if (busy === undefined || busy.cancel.signal.aborted) return
    const attempt = await this.deps.ledger.find(printerId)
    if (attempt?.id === busy.attempt.id && attempt.cancelRequested) busy.cancel.abort()
  }

  busyPrinters(): string[] {
    return [...this.busy.keys()]
  }

  private async workOnce(session: PrinterSession): Promise<void> {
    const { printerId } = session.lease
    try {
      const attempt = await this.deps.ledger.find(printerId)
      if (attempt !== null) return await this.carryOut(attempt, session)
      await this.removeLeftFiles(session)
      await this.nextClaim(session)
    } catch (error) {
      if (session.signal.aborted) return
      if (!isStale(error))
        this.deps.log.error({ err: error, printerId }, 'work on an attempt failed; it is taken up again')
      await pause(1_000, session.signal)
    }
  }

  private async carryOut(attempt: AttemptRecord, session: PrinterSession): Promise<void> {
    const { printerId } = session.lease
    const cancel = new AbortController()
    if (attempt.cancelRequested) cancel.abort()
    this.busy.set(printerId, { attempt, cancel })
    try {
      await this.deps.conduct.carryOut({ attempt, session, cancelled: cancel.signal })
    } finally {
      this.busy.delete(printerId)
    }
    await this.learn(attempt)
  }

  /** A printer that gave copies back rests, longer each time, so that a broken one does not pull the queue through it. */
  private async learn(attempt: AttemptRecord): Promise<void> {
    const state = await this.deps.ledger.stateOf(attempt.id)
    if (state !== 'revoked') {
      this.coolDowns.delete(attempt.printerId)
      return
    }
    const failures = (this.coolDowns.get(attempt.printerId)?.failures ?? 0) + 1
    const restMs = Math.min(FIRST_COOL_DOWN_MS * 2 ** (failures - 1), LONGEST_COOL_DOWN_MS)
    this.coolDowns.set(attempt.printerId, { failures, untilMs: this.deps.clock.now() + restMs })
  }

  private async removeLeftFiles(session: PrinterSession): Promise<void> {
    const left = await this.deps.ledger.listWithFileOn(session.lease.printerId, FILES_PER_SWEEP)
    for (const attempt of left) {
      if (session.signal.aborted) return
      await this.deps.conduct.removeFile(attempt, session)
    }
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

  private watchForeign(session: PrinterSession): Unsubscribe {
    const look = () => {
      const { job, state } = session.latest
      const path = isBusy(state) ? (job?.remotePath ?? null) : null
      const own = this.busy.get(session.lease.printerId)?.attempt.remoteName
      this.deps.foreign.observe(session.lease.printerId, path !== null && path.split('/').at(-1) === own ? null : path)
    }
    look()
    return session.on((event) => {
      if (event.type === 'report') look()
    })
  }
}

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    signal.addEventListener(
      'abort',
      () => {
        clearTimeout(timer)
        resolve()
      },
      { once: true },
    )
  })
