import {
  builtInRole,
  every,
  seesEverything,
  type Actor,
  type CallOff,
  type KeptQuery,
  type Logger,
  type Timers,
} from '../../kernel/index.js'
import { inputHash } from '../../kernel/input-hash.js'
import type { UnitOfWork } from '../../kernel/index.js'
import type { HotQuery, HotQueryRepository } from './cache-warmup.ports.js'

export interface HotQueriesDeps {
  unitOfWork: UnitOfWork<{ hotQueries: HotQueryRepository }>
  clock: Timers
  log: Logger
}

/** Seldom: what is hot changes over days, and to lose a minute of it matters to nobody. */
const FLUSH_MS = 60_000
/** Different ones between two flushes; of more the rest is not counted. */
const MOST_QUERIES = 200

/**
 * Counts which kept queries people ask for. Only of those who have a built-in role and may see everything: what others
 * see depends on them, and one of their lists serves few.
 */
export class HotQueries {
  private counts = new Map<string, HotQuery & { key: string; asked: number }>()
  private callOff: CallOff = () => undefined

  constructor(private readonly deps: HotQueriesDeps) {}

  start(): void {
    this.callOff = every(this.deps.clock, FLUSH_MS, () => void this.flush())
  }

  /** The server's own asking is none: else what is warmed up stayed hot by it. */
  note(actor: Actor, { query, input }: KeptQuery): void {
    const { kind, scope } = actor
    const role = builtInRole(actor)
    if (kind === 'system' || role === null || !seesEverything(scope)) return
    const key = `${query} ${role} ${inputHash(input)}`
    const known = this.counts.get(key)
    if (known !== undefined) known.asked += 1
    else if (this.counts.size < MOST_QUERIES) this.counts.set(key, { key, query, input, role, asked: 1 })
  }

  /** Does not throw: what cannot be written is lost. */
  async flush(): Promise<void> {
    const counted = [...this.counts.values()]
    this.counts = new Map()
    if (counted.length === 0) return
    try {
      await this.deps.unitOfWork.run(({ hotQueries }) => hotQueries.add(counted))
    } catch (err) {
      this.deps.log.warn({ err }, 'it could not be written down which queries are asked for')
    }
  }

  async stop(): Promise<void> {
    this.callOff()
    await this.flush()
  }
}
