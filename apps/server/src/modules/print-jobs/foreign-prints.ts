import type { Clock, Logger, TransactionContext, UnitOfWork } from '../../kernel/index.js'
import type { AlarmRepository } from '../alarms/alarms.ports.js'
import type { BedRepository } from '../printers/printers.ports.js'
import { isPathOf } from './attempt-signs.js'
import { clearForeignPrint, foundOver, occupyBed, raiseForeignPrint } from './foreign-facts.js'
import type { AttemptRepository } from './print-jobs.ports.js'
import { isOurRemoteName } from './remote-name.js'

/** How long a print that we did not order must show before it counts: a host shows ours a moment longer than we do. */
const CERTAIN_AFTER_MS = 3_000

interface Suspect {
  /** Null when nothing foreign is printed. */
  path: string | null
  sinceMs: number
  told: boolean
  /** The bed is marked, or being marked. */
  noted: boolean
}

interface ForeignRepositories {
  alarms: AlarmRepository
  attempts: AttemptRepository
  beds: BedRepository
}

type Transaction = ForeignRepositories & TransactionContext

/** Notices prints that Gantry did not order: they are shown, alarmed, and leave the bed occupied; never interfered with. */
export class ForeignPrints {
  private readonly suspects = new Map<string, Suspect>()
  private work: Promise<void> = Promise.resolve()

  constructor(
    private readonly unitOfWork: UnitOfWork<ForeignRepositories>,
    private readonly clock: Clock,
    private readonly log: Logger,
  ) {}

  /** @param path what the host prints and we did not order; null when there is no such thing */
  observe(printerId: string, path: string | null): void {
    const known = this.suspects.get(printerId)
    const suspect = known?.path === path ? known : { path, sinceMs: this.clock.now(), told: false, noted: false }
    this.suspects.set(printerId, suspect)
    if (known !== undefined) this.note(printerId, known)
    this.note(printerId, suspect)
    if (suspect.told) return
    if (path === null) {
      suspect.told = true
      // The first look tells nothing of what an earlier run of the server alarmed, so it clears too.
      if (known === undefined || known.told) this.inBackground(printerId, suspect, (tx) => this.clear(tx, printerId))
    } else if (this.clock.now() - suspect.sinceMs >= CERTAIN_AFTER_MS) {
      suspect.told = true
      this.inBackground(printerId, suspect, (tx) => this.raise(tx, printerId, path))
    }
  }

  /**
   * Whatever bears a name that is none of ours lies on the bed from the first sight of it: it may be over, or out of
   * sight, before it counts.
   */
  private note(printerId: string, suspect: Suspect): void {
    if (suspect.path === null || suspect.noted || isOurRemoteName(suspect.path)) return
    suspect.noted = true
    this.inBackground(printerId, suspect, (tx) => occupyBed(tx, printerId, true))
  }

  /** The host told of the end of a print, which may have been too short to show in a report. */
  ended(printerId: string, path: string): void {
    const suspect = { path, sinceMs: this.clock.now(), told: true, noted: true }
    this.inBackground(printerId, suspect, (tx) => foundOver(tx, printerId, path))
  }

  /** Nobody looks at this printer any more. */
  forget(printerId: string): void {
    this.suspects.delete(printerId)
  }

  private async raise(tx: Transaction, printerId: string, fileName: string): Promise<void> {
    const own = await tx.attempts.findActiveOn(printerId)
    if (own !== null && isPathOf(own, fileName)) return
    await occupyBed(tx, printerId)
    await raiseForeignPrint(tx, { printerId, fileName, over: false })
  }

  /** It is over, and lies on the bed: also if somebody called the bed clear meanwhile. */
  private async clear(tx: Transaction, printerId: string): Promise<void> {
    if (await clearForeignPrint(tx, printerId)) await occupyBed(tx, printerId)
  }

  private inBackground(printerId: string, suspect: Suspect, work: (tx: Transaction) => Promise<void>): void {
    this.work = this.work
      .then(() => this.unitOfWork.run(work))
      .catch((error: unknown) => {
        this.log.error({ err: error, printerId }, 'a foreign print could not be recorded; the next report repeats it')
        if (suspect.path === null) this.suspects.delete(printerId)
        else Object.assign(suspect, { told: false, noted: false })
      })
  }
}
