import type { Permission } from '@gantry/schemas'

import { GantryError, type Actor } from '../../kernel/index.js'
import type { UserRepository, UserRights } from '../auth/auth.ports.js'
import { expectNoMore } from '../auth/role-grants.js'
import type { RoleRepository } from '../auth/roles.ports.js'
import type { ExportRecord } from './exports.ports.js'

export interface TakerRepositories {
  users: Pick<UserRepository, 'get' | 'rights'>
  roles: Pick<RoleRepository, 'ofUser' | 'get'>
}

type Owned = Pick<ExportRecord, 'createdById' | 'scope'>

const forbidden = (needs: Permission) => new GantryError('FORBIDDEN', { params: { needs } })

/** Who ordered data must still be allowed to have them. @returns what they may now @throws GantryError `FORBIDDEN` */
export const expectOwnerMay = async (
  { users }: Pick<TakerRepositories, 'users'>,
  { createdById, scope }: Owned,
): Promise<UserRights> => {
  const rights = await users.rights(createdById)
  const needs = scope === 'farm' ? 'exports.farm' : 'exports.create'
  if (rights?.permissions.has(needs) !== true) throw forbidden(needs)
  return rights
}

/**
 * Whom a link was given must still be allowed to take the export: its owner, or who looks after the owner.
 * @throws GantryError `FORBIDDEN`
 */
export const expectMayTake = async (repositories: TakerRepositories, found: Owned, takerId: string): Promise<void> => {
  if (takerId === found.createdById) {
    await expectOwnerMay(repositories, found)
    return
  }
  const { users } = repositories
  const [rights, owner] = [await users.rights(takerId), await users.get(found.createdById)]
  if (rights?.permissions.has('users.manage') !== true || owner === null) throw forbidden('users.manage')
  await expectNoMore(repositories, actorOf(rights), owner)
}

const actorOf = ({ userId, role, permissions, scope }: UserRights): Actor => ({
  ...{ kind: 'user', id: userId, role, permissions, scope },
  ...{ sessionId: null, apiKeyId: null },
})
