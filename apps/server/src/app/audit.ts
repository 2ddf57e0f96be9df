import { AuditSealer } from '../modules/audit/audit-sealer.js'
import { RefusalLog } from '../modules/audit/refusal-log.js'
import type { Seals } from '../modules/audit/seals.js'
import type { LoginEnded, LoginOutcome } from '../modules/auth/auth.service.js'
import type { Lifecycle, Logger, Timers } from '../kernel/index.js'
import { redact } from '../observability/redact.js'
import type { Persistence } from './persistence.js'

export interface AuditDeps {
  persistence: Pick<Persistence, 'unitOfWork' | 'reads'>
  clock: Timers
  log: Logger
  lifecycle: Lifecycle
}

/** Hears of everything that is refused, until the last call was answered. */
export const openRefusalLog = ({ persistence, clock, log, lifecycle }: AuditDeps): RefusalLog => {
  const refusals = new RefusalLog({ unitOfWork: persistence.unitOfWork, clock, log })
  lifecycle.onStop('refusals', () => refusals.stop())
  return refusals
}

/** Makes entries of what was changed, on whichever worker comes first. */
export const startSealer = (persistence: AuditDeps['persistence'], seals: Seals, log: Logger): AuditSealer => {
  const sealer = new AuditSealer({ ...persistence, seals, redact, log })
  sealer.start()
  return sealer
}

const REFUSED_LOGINS: Partial<Record<LoginOutcome, string>> = {
  refused: 'INVALID_CREDENTIALS',
  limited: 'RATE_LIMITED',
}

/** Whoever counts logins hears of them too. */
export const noteLogins =
  (refusals: RefusalLog, counted: (outcome: LoginOutcome) => void): LoginEnded =>
  (outcome, account, refusal): void => {
    counted(outcome)
    const code = refusal ?? REFUSED_LOGINS[outcome]
    if (code !== undefined) refusals.note(code, account)
  }

/** What somebody tried who may not; a call without a login is nobody's. */
export const noteRefusal = (refusals: RefusalLog, { code }: { code: string }): void => {
  if (code === 'FORBIDDEN') refusals.note(code)
}
