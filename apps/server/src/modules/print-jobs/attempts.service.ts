import type { Attempt } from '@gantry/schemas'

import { notFound, type Actor } from '../../kernel/index.js'
import type { AttemptLedger } from './attempt-ledger.js'
import type { AttemptRepository } from './print-jobs.ports.js'

interface Reads {
  attempts: AttemptRepository
}

/** Single tries, and the word of a person where no host can tell what became of one. */
export class AttemptsService {
  constructor(private readonly deps: { reads: Reads; ledger: AttemptLedger }) {}

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
    await this.get(actor, attemptId)
    await this.deps.ledger.resolve(attemptId, printed, actor.id)
    return this.get(actor, attemptId)
  }
}
