import type { SystemInfo } from '@gantry/schemas'

import type { Actor, Clock } from '../../kernel/index.js'

export interface SystemServiceDeps extends Omit<SystemInfo, 'uptimeSeconds' | 'roles'> {
  roles: readonly string[]
  clock: Clock
}

/** What this installation is. */
export class SystemService {
  constructor(private readonly deps: SystemServiceDeps) {}

  /** The actor is taken and not used: whoever may enter may know. */
  info(_actor: Actor): SystemInfo {
    const { clock, roles, ...facts } = this.deps
    const uptimeSeconds = Math.max(0, (clock.now() - facts.startedAt.getTime()) / 1_000)
    return { ...facts, roles: [...roles], uptimeSeconds }
  }
}
