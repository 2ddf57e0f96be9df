import { DriverError, type PrintEvidence } from '../printers/printer-driver.port.js'
import type { PrinterSession } from '../printers/printer-session.js'
import { isBusy } from '../printers/printer.state.js'
import type { PrintEnd } from './attempt-effects.js'
import type { AttemptRecord } from './print-jobs.ports.js'

/** What the host proved about an attempt whose start was never confirmed. */
export type TakenBack =
  | { kind: 'never_started' }
  | { kind: 'active'; hostJobRef: string | null }
  | { kind: 'ended'; end: PrintEnd }
  | { kind: 'unknown' }

const fromEvidence = (evidence: PrintEvidence): TakenBack | null => {
  switch (evidence.kind) {
    case 'active':
      return { kind: 'active', hostJobRef: evidence.hostJobRef }
    case 'ended':
      return { kind: 'ended', end: { ...evidence, detail: null } }
    case 'touched':
      return { kind: 'unknown' }
    case 'none':
      return null
  }
}

/**
 * The revoke procedure. (a) Positive evidence of this name is believed; its absence proves nothing. (b) The file is
 * deleted, so that no order still under way can start it. (c) Only then, and after two more readings from the host
 * itself, is it certain that it never started. Whatever the host does not clearly say is `unknown`.
 */
export const takeBack = async (
  attempt: AttemptRecord,
  session: PrinterSession,
  timings: { askMs: number; rereadMs: number },
): Promise<TakenBack> => {
  const path = attempt.remotePath ?? attempt.remoteName
  const ask = () => session.deadline(timings.askMs)
  try {
    const before = fromEvidence(await session.connection.evidence(path, ask()))
    if (before !== null) return before
    const answer = await session.connection.revoke(path, ask())
    // An answer that was cut off by our own going says nothing of the host: whoever comes next asks it.
    if (answer === 'unknown' && session.isOver) throw new DriverError('aborted', 'the session ended meanwhile')
    if (answer === 'unknown') return { kind: 'unknown' }
    if (answer === 'in_use') return fromEvidence(await session.connection.evidence(path, ask())) ?? { kind: 'unknown' }
    return await rereadTwice(path, attempt.remoteName, session, ask, timings.rereadMs)
  } catch (error) {
    if (session.signal.aborted || !(error instanceof DriverError)) throw error
    return { kind: 'unknown' }
  }
}

const rereadTwice = async (
  path: string,
  remoteName: string,
  session: PrinterSession,
  ask: () => AbortSignal,
  rereadMs: number,
): Promise<TakenBack> => {
  for (let reading = 0; reading < 2; reading++) {
    await session.pause(rereadMs)
    const report = await session.connection.readReport(ask())
    if (isBusy(report.state) && report.job?.remotePath?.split('/').at(-1) === remoteName) {
      return { kind: 'active', hostJobRef: report.job.hostJobRef }
    }
    const found = fromEvidence(await session.connection.evidence(path, ask()))
    if (found !== null) return found
  }
  return { kind: 'never_started' }
}
