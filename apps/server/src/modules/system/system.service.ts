import type {
  AllQueueStatistics,
  CacheStats,
  CacheStrategy,
  DatabaseHealth,
  LogLevelState,
  SetLogLevelInput,
  SystemInfo,
  SystemMetrics,
  SystemPerformance,
} from '@gantry/schemas'

import { nullIfAway, SharedRead, type Actor, type Cache, type Timers } from '../../kernel/index.js'
import { businessOf } from './business.js'
import type { CensusRepository } from './census.ports.js'

/** The level of the log, of every instance. */
export interface LogLevelControl {
  state(): LogLevelState
  /** @throws GantryError `UNAVAILABLE` */
  change(wanted: SetLogLevelInput, actorId: string): Promise<void>
}

export interface SystemServiceDeps extends Omit<SystemInfo, 'uptimeSeconds' | 'roles'> {
  roles: readonly string[]
  cache: Pick<Cache, 'stats' | 'setStrategy'>
  clock: Timers
  logLevel: LogLevelControl
  databaseHealth: () => Promise<DatabaseHealth>
  census: Pick<CensusRepository, 'take' | 'today'>
  queueStatistics: () => Promise<AllQueueStatistics>
  /** Null where nothing is counted. */
  pace: () => SystemPerformance | null
}

/** Whoever asks within this time gets the same numbers: many who watch cost what one costs. */
const SHARED_MS = 1_000

/** What this installation is, and how it does. */
export class SystemService {
  private readonly shared: SharedRead<SystemMetrics>

  constructor(private readonly deps: SystemServiceDeps) {
    this.shared = new SharedRead(() => this.readMetrics(), SHARED_MS, deps.clock)
  }

  /** The actor is taken and not used: whoever may enter may know. */
  info(_actor: Actor): SystemInfo {
    const { version, startedAt, instanceId, roles, database, timeZone } = this.deps
    return { version, startedAt, instanceId, roles: [...roles], database, timeZone, uptimeSeconds: this.uptimeSeconds }
  }

  /** Of the instance that answers. */
  cacheStats(_actor: Actor): CacheStats {
    return this.deps.cache.stats()
  }

  /** On every instance, until it is started again. @throws GantryError `UNAVAILABLE` */
  async setCacheStrategy(actor: Actor, strategy: CacheStrategy): Promise<void> {
    await this.deps.cache.setStrategy(strategy, actor.id)
  }

  /** For admins: the procedure asks who may know. */
  databaseHealth(_actor: Actor): Promise<DatabaseHealth> {
    return this.deps.databaseHealth()
  }

  /** For admins: the procedure asks who may know. */
  logLevel(_actor: Actor): LogLevelState {
    return this.deps.logLevel.state()
  }

  /** On every instance that runs now. @throws GantryError `UNAVAILABLE` */
  async setLogLevel(actor: Actor, wanted: SetLogLevelInput): Promise<LogLevelState> {
    await this.deps.logLevel.change(wanted, actor.id)
    return this.deps.logLevel.state()
  }

  /**
   * At most a second old. What is in the database is null while it does not answer, so that the rest can be told.
   * For admins: the procedure asks who may know.
   */
  metrics(_actor: Actor): Promise<SystemMetrics> {
    return this.shared.read()
  }

  private async readMetrics(): Promise<SystemMetrics> {
    const { clock, instanceId, timeZone, cache, databaseHealth, census, queueStatistics, pace } = this.deps
    const [database, queues, business] = await Promise.all([
      databaseHealth(),
      queueStatistics().then(({ data }) => data, nullIfAway),
      Promise.all([census.take(), census.today(timeZone)]).then(businessOf, nullIfAway),
    ])
    const facts = { at: new Date(clock.now()), instanceId, uptimeSeconds: this.uptimeSeconds }
    return { ...facts, performance: pace(), cache: cache.stats(), database, queues, business }
  }

  private get uptimeSeconds(): number {
    return Math.max(0, (this.deps.clock.now() - this.deps.startedAt.getTime()) / 1_000)
  }
}
