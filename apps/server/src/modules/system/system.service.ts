import type {
  CacheStats,
  CacheStrategy,
  DatabaseHealth,
  LogLevelState,
  SetLogLevelInput,
  SystemInfo,
} from '@gantry/schemas'

import type { Actor, Cache, Clock } from '../../kernel/index.js'

/** The level of the log, of every instance. */
export interface LogLevelControl {
  state(): LogLevelState
  /** @throws GantryError `UNAVAILABLE` */
  change(wanted: SetLogLevelInput, actorId: string): Promise<void>
}

export interface SystemServiceDeps extends Omit<SystemInfo, 'uptimeSeconds' | 'roles'> {
  roles: readonly string[]
  cache: Pick<Cache, 'stats' | 'setStrategy'>
  clock: Clock
  logLevel: LogLevelControl
  databaseHealth: () => Promise<DatabaseHealth>
}

/** What this installation is, and how it does. */
export class SystemService {
  constructor(private readonly deps: SystemServiceDeps) {}

  /** The actor is taken and not used: whoever may enter may know. */
  info(_actor: Actor): SystemInfo {
    const { clock, roles, cache: _cache, databaseHealth: _health, logLevel: _level, ...facts } = this.deps
    const uptimeSeconds = Math.max(0, (clock.now() - facts.startedAt.getTime()) / 1_000)
    return { ...facts, roles: [...roles], uptimeSeconds }
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
}
