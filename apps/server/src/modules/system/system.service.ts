import type { CacheStats, CacheStrategy, DatabaseHealth, SystemInfo } from '@gantry/schemas'

import type { Actor, Cache, Clock } from '../../kernel/index.js'

export interface SystemServiceDeps extends Omit<SystemInfo, 'uptimeSeconds' | 'roles'> {
  roles: readonly string[]
  cache: Pick<Cache, 'stats' | 'setStrategy'>
  clock: Clock
  databaseHealth: () => Promise<DatabaseHealth>
}

/** What this installation is, and how it does. */
export class SystemService {
  constructor(private readonly deps: SystemServiceDeps) {}

  /** The actor is taken and not used: whoever may enter may know. */
  info(_actor: Actor): SystemInfo {
    const { clock, roles, cache: _cache, databaseHealth: _health, ...facts } = this.deps
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
}
