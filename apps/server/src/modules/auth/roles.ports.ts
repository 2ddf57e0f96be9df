import type { Permission, Role, UserRole } from '@gantry/schemas'

export interface NewRole {
  id: string
  name: string
  permissions: readonly Permission[]
  createdById: string
  createdAt: Date
}

export interface RolePatch {
  name?: string
  permissions?: readonly Permission[]
}

/** Roles that people made, and who has them. */
export interface RoleRepository {
  /** Nobody else makes, changes or gives roles until the transaction ends. */
  lockAll(): Promise<void>
  count(): Promise<number>
  /** By name. */
  list(): Promise<Role[]>
  get(roleId: string): Promise<Role | null>
  /** @throws GantryError `NAME_TAKEN` */
  create(role: NewRole): Promise<void>
  /** @throws GantryError `NAME_TAKEN` */
  update(roleId: string, patch: RolePatch, now: Date): Promise<void>
  remove(roleId: string): Promise<void>
  /** The id of the user's role when it is not a built-in one; undefined when there is no such user. */
  ofUser(userId: string): Promise<string | null | undefined>
  /** Gives the user one role in place of the other. */
  assign(userId: string, role: { builtIn: UserRole } | { id: string }, now: Date): Promise<void>
}
