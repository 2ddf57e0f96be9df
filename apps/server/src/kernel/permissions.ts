import {
  ALL_PROJECTS_PERMISSIONS,
  FARM_WIDE_PERMISSIONS,
  ROLE_PERMISSIONS,
  userRole,
  type Permission,
  type UserRole,
} from '@gantry/schemas'

import type { Actor, Scope } from './actor.js'
import { GantryError } from './errors.js'
import { seesEverything } from './scope.js'

/** One set per role: what is told apart by permissions is told apart by the set. */
const SETS: Readonly<Record<UserRole, ReadonlySet<Permission>>> = {
  viewer: new Set(ROLE_PERMISSIONS.viewer),
  operator: new Set(ROLE_PERMISSIONS.operator),
  admin: new Set(ROLE_PERMISSIONS.admin),
}

/** A built-in role, as an actor has it. */
export const inRole = (role: UserRole): Pick<Actor, 'role' | 'permissions'> => ({ role, permissions: SETS[role] })

/** The built-in role whose permissions these are, all of them and no other. */
export const builtInRole = ({ permissions }: Pick<Actor, 'permissions'>): UserRole | null =>
  userRole.options.find((role) => SETS[role] === permissions) ?? null

/** What of these remains to somebody who may see no more than the scope. */
export const withinScope = (permissions: ReadonlySet<Permission>, scope: Scope): ReadonlySet<Permission> => {
  const beyond: readonly Permission[] = [
    ...(seesEverything(scope) ? [] : FARM_WIDE_PERMISSIONS),
    ...(scope.projects === 'all' ? [] : ALL_PROJECTS_PERMISSIONS),
  ]
  return beyond.length === 0 ? permissions : new Set([...permissions].filter((each) => !beyond.includes(each)))
}

/** @throws GantryError `FORBIDDEN { needs, has }` */
export const assertMay = ({ permissions, role }: Pick<Actor, 'permissions' | 'role'>, needs: Permission): void => {
  if (!permissions.has(needs)) throw new GantryError('FORBIDDEN', { params: { needs, has: role } })
}
