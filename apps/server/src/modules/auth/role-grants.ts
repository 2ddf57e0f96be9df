import { permission, ROLE_PERMISSIONS, type Permission, type UserRole } from '@gantry/schemas'

import { assertMay, GantryError, type Actor } from '../../kernel/index.js'
import type { RoleRepository } from './roles.ports.js'

/** In the order of the list, each once. @throws GantryError `FORBIDDEN` for one that the actor has not got */
export const granted = (actor: Actor, permissions: readonly Permission[]): Permission[] => {
  for (const each of permissions) assertMay(actor, each)
  return permission.options.filter((each) => permissions.includes(each))
}

/**
 * Nobody looks after somebody who may more than they do themselves: a new password of such a user would be a way to what
 * the user may.
 * @throws GantryError `FORBIDDEN`
 */
export const expectNoMore = async (
  { roles }: { roles: Pick<RoleRepository, 'ofUser' | 'get'> },
  actor: Actor,
  user: { id: string; role: UserRole },
): Promise<void> => {
  const customId = (await roles.ofUser(user.id)) ?? null
  const custom = customId === null ? null : await roles.get(customId)
  granted(actor, custom === null ? ROLE_PERMISSIONS[user.role] : custom.permissions)
}

/**
 * Who looks after others has for their own account what everybody has, with password and code: else a stolen token would
 * be a way around both.
 * @throws GantryError `INVALID_STATE` for oneself
 */
export const expectAnother = (actor: Actor, userId: string): void => {
  if (userId === actor.id) throw new GantryError('INVALID_STATE', { params: { detail: 'this is your own account' } })
}
