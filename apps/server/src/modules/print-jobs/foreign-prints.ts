import type { Clock, Logger, TransactionContext, UnitOfWork } from '../../kernel/index.js'
import type { AlarmRepository } from '../alarms/alarms.ports.js'
import type { BedRepository } from '../printers/printers.ports.js'

/** How long a print that we did not order must show before it counts: a host may name a job a moment before we do. */
const CERTAIN_AFTER_MS = 3_000

interface Suspect {
  path: string
  sinceMs: number
  told: boolean
}

type ForeignRepositories = { alarms: AlarmRepository; beds: BedRepository }

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
    const suspect = this.suspects.get(printerId)
    if (path === null) {
      this.suspects.delete(printerId)
      if (suspect?.told === true) this.inBackground((tx) => this.clear(tx, printerId))
    } else if (suspect?.path !== path) {
      this.suspects.set(printerId, { path, sinceMs: this.clock.now(), told: false })
    } else if (!suspect.told && this.clock.now() - suspect.sinceMs >= CERTAIN_AFTER_MS) {
      suspect.told = true
      this.inBackground((tx) => this.raise(tx, printerId, path))
    }
  }

  private async raise(
    tx: ForeignRepositories & TransactionContext,
    printerId: string,
    fileName: string,
  ): Promise<void> {
    const subject = { subjectType: 'printer' as const, subjectId: printerId }
    if (await tx.beds.occupy(printerId, tx.now)) {
      tx.record(
        {
          type: 'printer.bed_changed',
          subjectType: 'printer',
          subjectId: printerId,
          payload: { printerId, bed: 'occupied' },
        },
        'system',
      )
    }
    const alarmId = await tx.alarms.raise({
      code: 'FOREIGN_PRINT',
      severity: 'warning',
      params: { fileName, printerId },
      ...subject,
    })
    if (alarmId === null) return
    tx.record(
      { type: 'alarm.raised', subjectType: 'alarm', subjectId: alarmId, payload: { alarmId, code: 'FOREIGN_PRINT' } },
      'system',
    )
  }

  private async clear(tx: ForeignRepositories & TransactionContext, printerId: string): Promise<void> {
    for (const alarmId of await tx.alarms.clear(
      'FOREIGN_PRINT',
      { subjectType: 'printer', subjectId: printerId },
      tx.now,
    )) {
      tx.record(
        {
          type: 'alarm.cleared',
          subjectType: 'alarm',
          subjectId: alarmId,
          payload: { alarmId, code: 'FOREIGN_PRINT' },
        },
        'system',
      )
    }
  }

  private inBackground(work: (tx: ForeignRepositories & TransactionContext) => Promise<void>): void {
    this.work = this.work
      .then(() => this.unitOfWork.run(work))
      .catch((error: unknown) => this.log.error({ err: error }, 'a foreign print could not be recorded'))
  }
}
