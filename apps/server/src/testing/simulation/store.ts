import {
  GantryError,
  type NewEvent,
  type Primary,
  type TransactionContext,
  type UnitOfWork,
} from '../../kernel/index.js'
import type { SimulatedProcess } from './process.js'
import { repositoriesOn, type SimulatedRepositories, type Snapshot } from './repositories.js'
import { brokenConstraint, Tables } from './tables.js'
import type { World } from './world.js'

type Work<T> = (repositories: SimulatedRepositories & TransactionContext) => Promise<T>

export interface StoreFaults {
  /** How often a transaction is refused before it begins. */
  refused: number
  /** How often the answer to a commit is lost although the commit happened. */
  answerLost: number
}

/**
 * The database. Transactions are serialisable: each runs at once, on a snapshot that is put back when it fails or breaks
 * a constraint. Between a process and the database lie two turns, there and back, in which everything else may happen.
 */
export class SimulatedStore {
  private readonly snapshot: Snapshot = { tables: new Tables(), now: new Date(0) }
  private readonly repositories = repositoriesOn(this.snapshot)
  /** Who made the latest commit; null for a person. */
  committedBy: string | null = null

  constructor(
    private readonly world: World,
    private readonly faults: StoreFaults,
    /** What a commit tells every process. */
    private readonly committed: (events: NewEvent[]) => void,
  ) {}

  get tables(): Tables {
    return this.snapshot.tables
  }

  /** The unit of work that a process has. */
  unitOfWork(
    process: SimulatedProcess,
    alter = (repositories: SimulatedRepositories): SimulatedRepositories => repositories,
  ): UnitOfWork<SimulatedRepositories> {
    const altered = alter(this.repositories)
    const run = async <T>(ordered: Work<T>): Promise<T> => {
      const work: Work<T> = (tx) => ordered({ ...tx, ...altered })
      await process.reachDatabase()
      const luck = this.world.chance(`database of ${process.id}`)
      if (luck < this.faults.refused) {
        await process.incoming(`${process.id} is refused`)
        throw unavailable('refused')
      }
      const outcome = await this.transact(work, process).then(
        (value) => ({ value }),
        (error: unknown) => ({ error }),
      )
      await process.incoming(`${process.id} hears of its transaction`)
      if ('error' in outcome) throw outcome.error
      if (luck > 1 - this.faults.answerLost) {
        this.world.tell(`${process.id} does not hear of a commit`)
        throw unavailable('the answer to a commit is lost')
      }
      return outcome.value
    }
    return { run, once: (_call, work) => run(work), recall: () => Promise.resolve(null) }
  }

  /** One transaction, atomic: its work must wait for nothing but the repositories. */
  async transact<T>(work: Work<T>, from: SimulatedProcess | null = null): Promise<T> {
    const { snapshot } = this
    const before = snapshot.tables
    const events: NewEvent[] = []
    const now = new Date(DATABASE_EPOCH_MS + this.world.nowMs)
    Object.assign(snapshot, { tables: before.snapshot(), now })
    try {
      const context: TransactionContext = {
        now,
        record: (event) => events.push(event),
        jobs: { add: () => 'ob_simulated' },
        finishJob: () => Promise.resolve(true),
      }
      const result = await work({ ...this.repositories, ...context })
      const broken = brokenConstraint(snapshot.tables)
      if (broken !== null) throw new Error(`the simulated database refuses: ${broken}`)
      if (!snapshot.tables.isChanged) snapshot.tables = before
      this.committedBy = from?.id ?? null
      if (events.length > 0) this.committed(events)
      return result
    } catch (error) {
      snapshot.tables = before
      throw error
    }
  }
}

type Reading = Record<string, Record<string, (...args: unknown[]) => Promise<unknown>>>

/** The repositories without a transaction: each call is one of its own, with the ways there and back and their faults. */
export const readsBy = (unitOfWork: UnitOfWork<SimulatedRepositories>): Primary<SimulatedRepositories> =>
  new Proxy({} as Primary<SimulatedRepositories>, {
    get: (_, repository: string) =>
      new Proxy<Reading[string]>(
        {},
        {
          get:
            (_target, method: string) =>
            (...args: unknown[]) =>
              unitOfWork.run((tx) => (tx as unknown as Reading)[repository]![method]!(...args)),
        },
      ),
  })

const DATABASE_EPOCH_MS = 1_800_000_000_000

const unavailable = (detail: string) => new GantryError('UNAVAILABLE', { detail: `simulated: ${detail}` })
