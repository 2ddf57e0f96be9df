import type { SetUserScopeInput, UserScope } from '@gantry/schemas'

import { assertMay, GantryError, notFound, type Actor, type Primary, type UnitOfWork } from '../../kernel/index.js'
import { keepAnAdmin, type AdminRepository } from './admins.js'
import type { UserRepository } from './auth.ports.js'
import type { PlaceRepository } from './places.ports.js'
import { expectPlaces } from './places.js'
import { expectNoMore } from './role-grants.js'
import type { RoleRepository } from './roles.ports.js'
import { recordUser } from './user-events.js'
import type { UserScopeRepository } from './user-scopes.ports.js'

interface Repositories {
  userScopes: UserScopeRepository
  places: PlaceRepository
  accounts: AdminRepository
  roles: Pick<RoleRepository, 'ofUser' | 'get'>
  users: Pick<UserRepository, 'get' | 'rights'>
}

export interface UserScopesServiceDeps {
  unitOfWork: UnitOfWork<Repositories>
  reads: Primary<Pick<Repositories, 'userScopes'>>
  /** Makes this process ask anew what the user may see. */
  forgetUser: (userId: string) => void
}

/** What of the farm users see. */
export class UserScopesService {
  constructor(private readonly deps: UserScopesServiceDeps) {}

  /** @throws GantryError `NOT_FOUND` */
  async get(userId: string): Promise<UserScope> {
    return known(await this.deps.reads.userScopes.get(userId), userId)
  }

  /**
   * Holds at once on this instance, and on the others as soon as they hear of it. Nobody narrows their own scope, nor
   * that of the last admin who sees everything: who sees a part manages no users, and could not widen it again.
   * @throws GantryError `NOT_FOUND`, `VERSION_CONFLICT`, `FORBIDDEN` for somebody who may more, `INVALID_STATE` for oneself
   *   and the last admin
   */
  async set(actor: Actor, { ifVersion, ...input }: SetUserScopeInput): Promise<UserScope> {
    const { userId, printers, projectIds } = input
    if (userId === actor.id) throw new GantryError('INVALID_STATE', { params: { detail: 'this is your own scope' } })
    const { unitOfWork, forgetUser } = this.deps
    const stored = await unitOfWork.run(async (tx) => {
      await tx.accounts.lockAdmins()
      await expectStillManages(tx, actor)
      const { version } = known(await tx.userScopes.lock(userId), userId)
      const user = await tx.users.get(userId)
      if (user !== null) await expectNoMore(tx, actor, user)
      const isNarrow = printers !== null || projectIds !== null
      if (isNarrow && user?.role === 'admin') await keepAnAdmin(tx.accounts, userId)
      if (ifVersion !== undefined && ifVersion !== version)
        throw new GantryError('VERSION_CONFLICT', { params: { ifVersion, version } })
      const { groupIds, locationIds } = printers ?? { groupIds: [], locationIds: [] }
      await expectPlaces(tx.places, actor, { printerGroupIds: groupIds, locationIds, projectIds: projectIds ?? [] })
      const scope = { ...input, version: version + 1 }
      await tx.userScopes.set(scope, actor.id, tx.now)
      recordUser(tx, 'user.updated', userId, actor.id)
      return scope
    })
    forgetUser(userId)
    return stored
  }
}

const known = (scope: UserScope | null, userId: string): UserScope => {
  if (scope === null) throw notFound('user', userId)
  return scope
}

/** Of two who narrow each other at once, the second has lost what they asked with. */
const expectStillManages = async ({ users }: Pick<Repositories, 'users'>, actor: Actor): Promise<void> => {
  const permissions = (await users.rights(actor.id))?.permissions ?? new Set()
  assertMay({ role: actor.role, permissions }, 'users.manage')
}
