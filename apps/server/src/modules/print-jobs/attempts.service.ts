import { reasonText, type Attempt } from '@gantry/schemas'

import { GantryError, invalidField, notFound, type Actor, type EventBus, type Primary } from '../../kernel/index.js'
import type { PrinterRepository } from '../printers/printers.ports.js'
import type { AttemptLedger } from './attempt-ledger.js'
import { mismatches } from './fit.js'
import type { AttemptRepository, PrintJobRepository } from './print-jobs.ports.js'

interface Reads {
  attempts: AttemptRepository
  printJobs: PrintJobRepository
  printers: PrinterRepository
}

/** Single tries, and the word of a person: what became of one that no host can tell, or that it goes elsewhere. */
export class AttemptsService {
  constructor(private readonly deps: { reads: Primary<Reads>; ledger: AttemptLedger; bus: EventBus }) {}

  /** @throws GantryError `NOT_FOUND` */
  async get(actor: Actor, attemptId: string): Promise<Attempt> {
    const attempt = await this.deps.reads.attempts.get(actor, attemptId)
    if (attempt === null) throw notFound('attempt', attemptId)
    return attempt
  }

  /**
   * Ends an unknown attempt by what a person saw at the printer.
   * @throws GantryError `NOT_FOUND`, `INVALID_STATE` when it is not unknown
   */
  async resolve(actor: Actor, attemptId: string, printed: boolean): Promise<Attempt> {
    await this.atVisiblePrinter(actor, attemptId)
    await this.deps.ledger.resolve(attemptId, printed, actor.id)
    return this.get(actor, attemptId)
  }

  /**
   * Has the copy printed elsewhere. Answers when the wish is stored; who drives the printer carries it out, also after a
   * crash, and the copy waits again only when its print here has not begun or has ended for certain.
   * @param toPrinterId where alone it may go; null: anywhere but where it is
   * @throws GantryError `NOT_FOUND`, `VALIDATION_FAILED` when it is there already, `INVALID_STATE` when the attempt is
   * over or the copy does not fit the other printer
   */
  async reassign(actor: Actor, attemptId: string, toPrinterId: string | null): Promise<Attempt> {
    const attempt = await this.atVisiblePrinter(actor, attemptId)
    if (toPrinterId !== null) await this.expectFit(actor, attempt, toPrinterId)
    await this.deps.ledger.reassign(attemptId, toPrinterId, actor.id)
    this.deps.bus.wake('printer.command')
    return this.get(actor, attemptId)
  }

  /** Who orders something of a printer must see it, not only what it prints. */
  private async atVisiblePrinter(actor: Actor, attemptId: string): Promise<Attempt> {
    const attempt = await this.get(actor, attemptId)
    const isScoped = actor.scope.printerGroups !== 'all'
    if (isScoped && (await this.deps.reads.printers.get(actor, attempt.printerId)) === null)
      throw notFound('attempt', attemptId)
    return attempt
  }

  /** A running print is not given up for a printer that could not take the copy. */
  private async expectFit(actor: Actor, { jobId, printerId }: Attempt, toPrinterId: string): Promise<void> {
    const { printers, printJobs } = this.deps.reads
    if (toPrinterId === printerId) throw invalidField('printerId', 'is the printer that has the copy already')
    const [printer, job] = await Promise.all([printers.get(actor, toPrinterId), printJobs.get(actor, jobId)])
    if (printer === null) throw notFound('printer', toPrinterId)
    const against = job === null ? [] : mismatches(printer, job.requirements)
    if (against.length > 0)
      throw new GantryError('INVALID_STATE', { params: { detail: against.map(reasonText).join(' ') } })
  }
}
