import { inRole, pause, SYSTEM_ACTOR, type Actor, type Cache, type Logger, type Timers } from '../../kernel/index.js'
import type { HotQuery } from './cache-warmup.ports.js'

/** Asks a kept query as a request would. @throws for an input that is none of this version's */
export type AskQuery = (actor: Actor, input: unknown) => Promise<unknown>

export interface CacheWarmerDeps {
  /** By the names under which they are kept. */
  queries: Readonly<Record<string, AskQuery>>
  hottest: (limit: number) => Promise<HotQuery[]>
  cache: Pick<Cache, 'stats'>
  isDatabaseReachable: () => Promise<boolean>
  clock: Timers
  log: Logger
}

/** In one run. */
const MOST_QUERIES = 100
/** At most twenty a second: people's own requests go first. */
const EVERY_MS = 50
/** In a row; then the rest is left for the requests. */
const MOST_FAILURES = 3

/** Asks the hottest queries, one after the other, so that their results are kept before people ask. */
export class CacheWarmer {
  constructor(private readonly deps: CacheWarmerDeps) {}

  knows(name: string): boolean {
    return name in this.deps.queries
  }

  /** @param names only these; null: all. @returns how many were asked */
  async run(names: readonly string[] | null, signal: AbortSignal): Promise<number> {
    const { hottest, clock, log } = this.deps
    const trouble = await this.trouble()
    if (trouble !== null) {
      log.info({ trouble }, 'the cache is not warmed up')
      return 0
    }
    const queries = (await hottest(MOST_QUERIES)).filter(({ query }) => names?.includes(query) ?? true)
    let [asked, failures] = [0, 0]
    for (const query of queries) {
      signal.throwIfAborted()
      if (failures === MOST_FAILURES || this.cacheTrouble() !== null) break
      if (await this.ask(query)) [asked, failures] = [asked + 1, 0]
      else failures += 1
      await pause(clock, EVERY_MS, signal)
    }
    log.info({ asked, of: queries.length }, 'the cache was warmed up')
    return asked
  }

  private async ask({ query, input, role }: HotQuery): Promise<boolean> {
    const ask = this.deps.queries[query]
    if (ask === undefined) return true
    try {
      await ask({ ...SYSTEM_ACTOR, ...inRole(role) }, input)
      return true
    } catch (err) {
      this.deps.log.debug({ query, err }, 'a query could not be asked')
      return false
    }
  }

  private async trouble(): Promise<string | null> {
    return this.cacheTrouble() ?? ((await this.deps.isDatabaseReachable()) ? null : 'the database does not answer')
  }

  private cacheTrouble(): string | null {
    const { memory, redis } = this.deps.cache.stats()
    if (!memory.answering) return 'no invalidation can arrive'
    if (redis === null) return null
    const isWell = redis.connected && redis.breaker === 'closed' && redis.inStep
    return isWell ? null : 'Redis is in trouble'
  }
}
