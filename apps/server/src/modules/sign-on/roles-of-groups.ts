import { userRole, type Role, type UserRole } from '@gantry/schemas'

export interface RoleMap {
  /** The first that fits counts; empty: the provider says nothing of roles. */
  roles: readonly { group: string; role: string }[]
  /** Null: whoever is in none of the groups has no role. */
  defaultRole: string | null
}

/** A built-in role, or the id of one that people made. */
export type GivenRole = { builtIn: UserRole } | { id: string }

export interface RoleDecision {
  /** `as_is`: roles are given by admins alone. Null: no role at all. */
  role: GivenRole | 'as_is' | null
  /** Named in the settings, and not there. */
  missing: string[]
}

/** @param made the roles that people made */
export const roleOfGroups = (
  { roles, defaultRole }: RoleMap,
  groups: readonly string[],
  made: readonly Pick<Role, 'id' | 'name'>[],
): RoleDecision => {
  if (roles.length === 0) return { role: 'as_is', missing: [] }
  const wanted = roles.filter(({ group }) => groups.includes(group)).map(({ role }) => role)
  return firstOf(defaultRole === null ? wanted : [...wanted, defaultRole], made)
}

/** For somebody who has no account yet, where roles are given by admins. */
export const roleOfNewcomers = (defaultRole: string | null, made: readonly Pick<Role, 'id' | 'name'>[]): RoleDecision =>
  firstOf(defaultRole === null ? [] : [defaultRole], made)

const firstOf = (names: readonly string[], made: readonly Pick<Role, 'id' | 'name'>[]): RoleDecision => {
  const missing: string[] = []
  for (const name of names) {
    const builtIn = userRole.safeParse(name)
    if (builtIn.success) return { role: { builtIn: builtIn.data }, missing }
    const found = made.find((role) => role.name === name)
    if (found !== undefined) return { role: { id: found.id }, missing }
    missing.push(name)
  }
  return { role: null, missing }
}
