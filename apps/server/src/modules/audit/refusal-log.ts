import { callerNow, every, type CallOff, type Logger, type Timers, type UnitOfWork } from '../../kernel/index.js'
import type { AuditRepository, Refusal } from './audit.ports.js'

export interface RefusalLogDeps {
  unitOfWork: UnitOfWork<{ audit: Pick<AuditRepository, 'noteRefusals'> }>
  clock: Timers
  log: Logger
}

const EVERY_MS = 2_000
/** Kinds of refusals in that time; what goes beyond is one. */
const MOST_KINDS = 50

/**
 * Gathers what was refused, so that whoever sends many wrong requests writes few rows: refusals of one caller, action
 * and code within two seconds are one entry that counts them.
 */
export class RefusalLog {
  private gathered = new Map<string, Refusal>()
  private writing: Promise<void> = Promise.resolve()
  private readonly callOff: CallOff

  constructor(private readonly deps: RefusalLogDeps) {
    this.callOff = every(deps.clock, EVERY_MS, () => void this.write())
  }

  /** Of the call that is made now; without effect outside of calls. */
  note(errorCode: string, account: string | null = null): void {
    const caller = callerNow()
    if (caller === null) return
    const kind = JSON.stringify([caller.actorId, caller.ip, caller.action, errorCode, account])
    const known = this.gathered.get(kind)
    if (known !== undefined) known.times += 1
    else if (this.gathered.size < MOST_KINDS) this.gathered.set(kind, { caller, errorCode, account, times: 1 })
    else this.noteMore(caller.ip)
  }

  async stop(): Promise<void> {
    this.callOff()
    await this.write()
  }

  private noteMore(ip: string): void {
    const more = this.gathered.get('more')
    if (more !== undefined) more.times += 1
    else {
      const caller = { actorId: null, ip, userAgent: null, requestId: null, action: 'audit.more_refusals' }
      this.gathered.set('more', { caller, errorCode: 'RATE_LIMITED', account: null, times: 1 })
    }
  }

  private write(): Promise<void> {
    const refusals = [...this.gathered.values()]
    if (refusals.length === 0) return this.writing
    this.gathered = new Map()
    const { unitOfWork, log } = this.deps
    this.writing = this.writing
      .then(() => unitOfWork.run(({ audit }) => audit.noteRefusals(refusals)))
      .catch((err: unknown) => log.warn({ err, refusals: refusals.length }, 'refusals are missing in the audit log'))
    return this.writing
  }
}
