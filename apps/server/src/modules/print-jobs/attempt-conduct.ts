import type { Reason } from '@gantry/schemas'

import { GantryError, type Logger } from '../../kernel/index.js'
import { DriverError, type PrintEvidence, type UploadSource } from '../printers/printer-driver.port.js'
import type { PrinterSession } from '../printers/printer-session.js'
import type { PrintEnd } from './attempt-effects.js'
import type { AttemptLedger } from './attempt-ledger.js'
import { endTold, pathOf, runNews, startSeen, worksOn, worksOnOther } from './attempt-signs.js'
import { blameFor } from './blame.js'
import type { AttemptRecord } from './print-jobs.ports.js'
import { isOurRemoteName, nameOf } from './remote-name.js'
import { takeBack, type TakenBack } from './take-back.js'
import type { UploadSlots } from './upload-slots.js'

export interface ConductTimings {
  /** For one question to the host. */
  askMs: number
  uploadMs: number
  /** How long a started print may take to show itself. */
  confirmMs: number
  /** How long the host may show another picture before the end of a print is concluded without an event. */
  settleMs: number
  /** Between the two readings that prove that a deleted file did not start. */
  rereadMs: number
  /** How long a cancel that the host took may go unseen before it is ordered again. */
  cancelAgainMs: number
  /** How long an unknown attempt waits before the host is asked again. */
  unknownRetryMs: number
}

export const CONDUCT_TIMINGS: ConductTimings = {
  askMs: 10_000,
  uploadMs: 15 * 60_000,
  confirmMs: 30_000,
  settleMs: 3_000,
  rereadMs: 1_100,
  cancelAgainMs: 180_000,
  unknownRetryMs: 30_000,
}

export interface ConductDeps {
  ledger: AttemptLedger
  /** The content of a stored file; null when it is missing. */
  openFile: (sha256: string, sizeBytes: number) => Promise<UploadSource | null>
  uploads: UploadSlots
  timings: ConductTimings
  log: Logger
}

export interface Order {
  attempt: AttemptRecord
  session: PrinterSession
  /** Aborts when somebody wants the copy cancelled, or printed elsewhere. */
  cancelled: AbortSignal
}

const LEASE_LOST: Reason = { code: 'LEASE_LOST', params: {} }
/** A print that nobody ordered here was found on the bed after the claim. */
const BED_OCCUPIED: Reason = { code: 'BED_OCCUPIED', params: { sinceIso: null } }

/** So many files of a host are looked at for those that nobody needs any more. */
const LISTED_FILES = 2_000

/** Carries one attempt from wherever it stands to its end, by asking the host and never by guessing. */
export class AttemptConduct {
  /** The attempt that was started last in a session. */
  private readonly started = new WeakMap<PrinterSession, string>()

  constructor(private readonly deps: ConductDeps) {}

  /** Returns when the attempt has ended. @throws DriverError when the session ended before; the next session goes on */
  async carryOut(order: Order): Promise<void> {
    switch (order.attempt.state) {
      case 'claimed':
        return order.attempt.leaseEpoch === order.session.lease.epoch
          ? this.begin(order)
          : this.giveBack(order, LEASE_LOST)
      case 'uploading':
        return this.giveBack(order, order.attempt.bedBefore === 'clear' ? LEASE_LOST : BED_OCCUPIED)
      case 'starting':
        return this.confirm(order, 0)
      case 'printing':
      case 'paused':
        return this.watch(order)
      case 'unknown':
        return this.resolve(order)
      default:
        return
    }
  }

  private ledger({ session }: Order): AttemptLedger {
    return this.deps.ledger.under(session.lease)
  }

  private async begin(order: Order): Promise<void> {
    const { session, cancelled } = order
    const leave = await this.deps.uploads.enter(AbortSignal.any([session.signal, cancelled]))
    if (session.signal.aborted) {
      leave?.()
      throw new DriverError('aborted', 'the session ended before the upload')
    }
    const sent = await this.send(order).finally(() => leave?.())
    if (sent !== null) await this.launch(sent.order, sent.remotePath)
  }

  /** @returns the order with its file on the host, or null when the attempt was given back instead */
  private async send(order: Order): Promise<{ order: Order; remotePath: string } | null> {
    const { attempt } = order
    const giveBack = async (reason: Reason) => {
      await this.giveBack(order, reason)
      return null
    }
    if (order.cancelled.aborted) return giveBack({ code: 'CANCELLED_BY_USER', params: {} })
    if (attempt.bedBefore === 'occupied') return giveBack(BED_OCCUPIED)
    const source = await this.deps.openFile(attempt.fileSha256, attempt.fileSizeBytes)
    if (source === null) return giveBack({ code: 'FILE_UNAVAILABLE', params: { fileVersionId: attempt.fileVersionId } })
    const uploading = { ...order, attempt: await this.ledger(order).markUploading(attempt.id) }
    const remotePath = await this.upload(uploading, source)
    return remotePath === null ? null : { order: uploading, remotePath }
  }

  /** @returns the path on the host, or null when the attempt was given back instead */
  private async upload(order: Order, source: UploadSource): Promise<string | null> {
    const { attempt, session, cancelled } = order
    try {
      const signal = session.deadline(this.deps.timings.uploadMs, cancelled)
      const { remotePath } = await session.connection.upload(source, attempt.remoteName, { signal })
      if (!cancelled.aborted) return remotePath
      await this.giveBack(order, { code: 'CANCELLED_BY_USER', params: {} })
    } catch (error) {
      if (session.signal.aborted) throw error
      await this.giveBack(
        order,
        cancelled.aborted ? { code: 'CANCELLED_BY_USER', params: {} } : await this.uploadFailure(order, error),
      )
    }
    return null
  }

  private async uploadFailure({ attempt }: Order, error: unknown): Promise<Reason> {
    const failure =
      error instanceof DriverError ? error : new DriverError('protocol', 'unexpected failure', { cause: error })
    const reason: Reason = { code: 'UPLOAD_FAILED', params: { driverCode: failure.code, detail: failure.message } }
    this.deps.log.warn(
      { err: failure, attemptId: attempt.id, printerId: attempt.printerId },
      'upload to the printer failed',
    )
    const { on, needsPerson } = blameFor(reason)
    if (on === 'printer' && needsPerson) await this.deps.ledger.holdPrinter(attempt, reason)
    return reason
  }

  private async launch(order: Order, remotePath: string): Promise<void> {
    const { session, cancelled } = order
    const attempt = await this.deps.ledger.markStarting(order.attempt.id, session.lease, remotePath)
    const started = { ...order, attempt }
    this.started.set(session, attempt.id)
    // From here on the start may land: what follows asks the host, whoever wants what.
    const answer = await session.connection.start(remotePath, session.deadline(this.deps.timings.askMs))
    if (answer.kind === 'sent') return this.confirm(started, this.deps.timings.confirmMs)
    const { code, message } = answer.error
    this.deps.log.warn(
      { printerId: attempt.printerId, attemptId: attempt.id, code, kind: answer.kind },
      'start was not taken',
    )
    if (answer.kind === 'unknown') return this.confirm(started, this.deps.timings.confirmMs)
    const reason: Reason = { code: 'START_REJECTED', params: { driverCode: code, detail: message } }
    return this.giveBack(started, cancelled.aborted ? { code: 'CANCELLED_BY_USER', params: {} } : reason)
  }

  /** Waits for the print to show itself; when it does not, the start is taken back. */
  private async confirm(order: Order, waitMs: number): Promise<void> {
    const { attempt, session } = order
    const told = endTold(attempt, session)
    if (told !== null) return this.finish(order, told)
    if (worksOn(attempt, session.latest)) return this.run(order, session.latest.job?.hostJobRef ?? null)
    const seen = await session.waitFor((event) => startSeen(attempt, event), waitMs)
    if (seen?.ended != null) return this.finish(order, seen.ended)
    if (seen !== null) return this.run(order, seen.hostJobRef)
    return this.giveBack(order, { code: 'START_NOT_CONFIRMED', params: { attemptId: attempt.id } })
  }

  private async run(order: Order, hostJobRef: string | null): Promise<void> {
    const state = order.session.latest.state === 'paused' ? 'paused' : 'printing'
    const attempt = await this.ledger(order).markRunning(order.attempt, state, hostJobRef)
    return this.watch({ ...order, attempt })
  }

  /** Follows a running print to its end. */
  private async watch(order: Order): Promise<void> {
    let { attempt } = order
    const { session, cancelled } = order
    let mayCancelAtMs = 0
    for (;;) {
      const told = endTold(attempt, session)
      if (told !== null) return this.finish(order, told)
      if (cancelled.aborted && session.clock.monotonicMs() >= mayCancelAtMs)
        mayCancelAtMs = session.clock.monotonicMs() + (await this.cancel(order))
      const waiting = cancelled.aborted ? undefined : cancelled
      const news = await session.waitFor((event) => runNews(attempt, event), this.deps.timings.settleMs, waiting)
      if (news?.kind === 'state' && news.state !== attempt.state)
        attempt = await this.ledger(order).markRunning(attempt, news.state, null)
      if (news !== null || worksOn(attempt, session.latest) || waiting?.aborted === true) continue
      await this.printerBack(session)
      if (await this.conclude({ ...order, attempt })) return
    }
  }

  /** A host without its printer cannot say what the printer does; a lost cable is often back soon. */
  private async printerBack(session: PrinterSession): Promise<void> {
    if (session.latest.printerConnected || session.latest.state === 'error') return
    await session.waitFor(
      (event) => (event.type === 'report' && event.report.printerConnected ? true : null),
      this.deps.timings.confirmMs,
    )
  }

  /** @returns for how long the host is left alone before it is told again, should the print go on */
  private async cancel({ attempt, session }: Order): Promise<number> {
    try {
      await session.connection.cancel(pathOf(attempt), session.deadline(this.deps.timings.askMs))
      return this.deps.timings.cancelAgainMs
    } catch (error) {
      if (session.signal.aborted) throw error
      this.deps.log.warn({ err: error, attemptId: attempt.id }, 'cancel was not taken; it is tried again')
      return this.deps.timings.confirmMs
    }
  }

  /** The host shows something else: what became of the print? @returns false when it turns out to run still */
  private async conclude(order: Order): Promise<boolean> {
    const { attempt, session } = order
    const evidence = await this.evidence(order)
    if (evidence.kind === 'active') return false
    if (evidence.kind === 'ended') {
      await this.finish(order, { ...evidence, detail: null })
      return true
    }
    if (session.latest.state === 'error') {
      const detail = session.latest.attention?.text ?? session.latest.observed
      await this.finish(order, {
        outcome: 'failed',
        detail,
        hostJobRef: null,
        printSeconds: null,
        filamentUsedMm: null,
      })
      return true
    }
    await this.ledger(order).markUnknown(attempt.id, { code: 'OUTCOME_UNKNOWN', params: { attemptId: attempt.id } })
    return true
  }

  private async finish(order: Order, end: PrintEnd): Promise<void> {
    await this.ledger(order).end(order.attempt.id, end)
    await this.removeFile(order.attempt, order.session)
  }

  private evidence({ attempt, session }: Order): Promise<PrintEvidence> {
    return session.connection.evidence(pathOf(attempt), session.deadline(this.deps.timings.askMs))
  }

  /** An attempt of which nobody knows: the host's evidence decides, or it waits for a person. */
  private async resolve(order: Order): Promise<void> {
    const { attempt, session } = order
    const evidence = await this.evidence(order)
    if (evidence.kind === 'active') return this.run(order, evidence.hostJobRef)
    if (evidence.kind === 'ended') return this.finish(order, { ...evidence, detail: null })
    // Only what was never seen running can be proven not to have run.
    if (attempt.startedAt === null && evidence.kind === 'none') {
      const taken = await this.takeBack(order)
      if (taken.kind === 'never_started') return this.revoked(order, attempt.reason ?? LEASE_LOST)
      if (taken.kind === 'active') return this.run(order, taken.hostJobRef)
      if (taken.kind === 'ended') return this.finish(order, taken.end)
    }
    await session.waitFor((event) => startSeen(attempt, event), this.deps.timings.unknownRetryMs)
  }

  /** Makes sure that the file can never start, then lets the copy go elsewhere; or finds that it did start. */
  private async giveBack(order: Order, reason: Reason): Promise<void> {
    const { attempt } = order
    const taken = attempt.state === 'claimed' ? { kind: 'never_started' as const } : await this.takeBack(order)
    switch (taken.kind) {
      case 'never_started':
        return this.revoked(order, reason)
      case 'active':
        return this.run(order, taken.hostJobRef)
      case 'ended':
        return this.finish(order, taken.end)
      case 'unknown':
        await this.ledger(order).markUnknown(attempt.id, { code: 'ATTEMPT_UNKNOWN', params: { attemptId: attempt.id } })
    }
  }

  /**
   * A host that keeps no history forgets a print when it restarts in the middle of it, and then looks as if there had
   * never been one. A restart ends the session; so only the session in which the start was sent can prove that nothing
   * came of it, and after it a person has to look.
   */
  private async takeBack({ attempt, session }: Order): Promise<TakenBack> {
    const taken = await takeBack(attempt, session, this.deps.timings)
    const remembers =
      attempt.startSentAt === null ||
      session.connection.capabilities.has('history') ||
      this.started.get(session) === attempt.id
    return taken.kind === 'never_started' && !remembers ? { kind: 'unknown' } : taken
  }

  /** The bed is again as the claim found it, unless the host prints something else on it by now. */
  private async revoked(order: Order, reason: Reason): Promise<void> {
    const { attempt, session } = order
    const bed = worksOnOther(attempt, session.latest) ? 'occupied' : attempt.bedBefore
    await this.ledger(order).revoke(attempt, reason, bed)
    await this.deps.ledger.markFileRemoved(attempt.id)
  }

  /** After its outcome is committed, and only then: on some hosts the file carries the only history. */
  async removeFile(attempt: AttemptRecord, session: PrinterSession): Promise<void> {
    const answer = await session.connection.revoke(pathOf(attempt), session.deadline(this.deps.timings.askMs))
    if (answer === 'deleted' || answer === 'absent') await this.deps.ledger.markFileRemoved(attempt.id)
  }

  /** Removes files that landed after they were given up: a late upload comes also when its name was deleted before. */
  async removeStrays(session: PrinterSession): Promise<void> {
    const { askMs } = this.deps.timings
    const files = await session.connection.listFiles(LISTED_FILES, session.deadline(askMs))
    const ours = files.filter(({ remotePath }) => isOurRemoteName(remotePath))
    if (ours.length === 0) return
    const ended = await this.deps.ledger.endedAmong(
      session.lease.printerId,
      ours.map(({ remotePath }) => nameOf(remotePath)),
    )
    for (const { remotePath } of ours) {
      if (ended.has(nameOf(remotePath))) await session.connection.revoke(remotePath, session.deadline(askMs))
    }
  }
}

/** Whether an error says that the attempt is no longer where this instance thought; the database then knows better. */
export const isStale = (error: unknown): boolean => error instanceof GantryError && error.code === 'INVALID_STATE'
