import type { UserScope } from '@gantry/schemas'

export interface UserScopeRepository {
  /** Everything, as version 0, until it was set. @returns null when there is no such user */
  get(userId: string): Promise<UserScope | null>
  /** The same, and nobody else sets it until the transaction ends. */
  lock(userId: string): Promise<UserScope | null>
  set(scope: UserScope, byId: string, now: Date): Promise<void>
}
