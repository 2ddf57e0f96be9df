import type { Attempt, PrintJob } from '@gantry/schemas'

import { JoinedCalls } from '../../kernel/joined-calls.js'
import { SYSTEM_ACTOR, type Actor, type Primary } from '../../kernel/index.js'
import type { AttemptRepository, PrintJobRepository } from './print-jobs.ports.js'

export interface Found {
  jobs: Map<string, PrintJob>
  attempts: Map<string, Attempt>
}

/** Far more than change between two reads. */
const MOST_AT_ONCE = 1_000

/**
 * What live streams read of changed jobs. Every stream hears of a change in the same moment: those whose actors see all
 * projects ask together, so that three hundred of them cost the database what a few do. None is told what was read before
 * it asked.
 */
export class JobStreamReads {
  private readonly jobs: JoinedCalls<PrintJob | null>
  private readonly attempts: JoinedCalls<Attempt | null>

  constructor(private readonly reads: Primary<{ printJobs: PrintJobRepository; attempts: AttemptRepository }>) {
    this.jobs = joined((ids) => reads.printJobs.getMany(SYSTEM_ACTOR, ids))
    this.attempts = joined((ids) => reads.attempts.getMany(SYSTEM_ACTOR, ids))
  }

  /** Those of them that the actor may see. @throws GantryError `UNAVAILABLE` */
  async find(actor: Actor, jobIds: string[], attemptIds: string[]): Promise<Found> {
    const { printJobs, attempts: attemptRows } = this.reads
    const isJoined = actor.scope.projects === 'all'
    const [jobs, attempts] = await Promise.all([
      isJoined ? askAll(this.jobs, jobIds) : printJobs.getMany(actor, jobIds),
      isJoined ? askAll(this.attempts, attemptIds) : attemptRows.getMany(actor, attemptIds),
    ])
    return { jobs, attempts }
  }
}

const joined = <T>(getMany: (ids: string[]) => Promise<Map<string, T>>): JoinedCalls<T | null> =>
  new JoinedCalls<T | null>(async (ids) => {
    const found = await getMany([...new Set(ids)])
    return (id) => found.get(id) ?? null
  }, MOST_AT_ONCE)

const askAll = async <T>(calls: JoinedCalls<T | null>, ids: string[]): Promise<Map<string, T>> => {
  const answers = await Promise.all(ids.map(async (id) => [id, await calls.ask(id)] as const))
  return new Map(answers.flatMap(([id, answer]) => (answer === null ? [] : [[id, answer] as const])))
}
