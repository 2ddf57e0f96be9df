import {
  permission,
  ROLE_PERMISSIONS,
  userRole,
  type AssignRoleInput,
  type CreateRoleInput,
  type Permission,
  type Role,
  type UpdateRoleInput,
} from '@gantry/schemas'

import {
  assertMay,
  GantryError,
  newId,
  notFound,
  type Actor,
  type Primary,
  type TransactionContext,
  type UnitOfWork,
} from '../../kernel/index.js'
import type { RoleRepository } from './roles.ports.js'

interface Repositories {
  roles: RoleRepository
}
type Transaction = Repositories & TransactionContext

export interface RolesServiceDeps {
  unitOfWork: UnitOfWork<Repositories>
  reads: Primary<Repositories>
  /** Makes this process ask anew what the user may, or everybody. */
  forget: (whom: { userId: string } | 'everybody') => void
}

const MOST_ROLES = 100

/**
 * Roles that people make of permissions. Nobody makes or gives one that may more than they do themselves, and nobody
 * changes what they have themselves: so there is always somebody left who may manage users.
 */
export class RolesService {
  constructor(private readonly deps: RolesServiceDeps) {}

  list(): Promise<Role[]> {
    return this.deps.reads.roles.list()
  }

  /** @throws GantryError `FORBIDDEN`, `NAME_TAKEN`, `INVALID_STATE` when there are too many */
  create(actor: Actor, { name, permissions }: CreateRoleInput): Promise<Role> {
    return this.deps.unitOfWork.run(async (tx) => {
      await tx.roles.lockAll()
      if ((await tx.roles.count()) >= MOST_ROLES) throw refused(`there are at most ${MOST_ROLES} roles`)
      const id = newId('role')
      const role = { id, name, permissions: granted(actor, permissions), createdAt: tx.now }
      await tx.roles.create({ ...role, createdById: actor.id })
      record(tx, actor, id)
      return find(tx, id)
    })
  }

  /** Holds at once for all who have it. @throws GantryError `NOT_FOUND`, `VERSION_CONFLICT`, `FORBIDDEN`, `NAME_TAKEN`, `INVALID_STATE` for one's own */
  async update(actor: Actor, { id, ifVersion, name, permissions }: UpdateRoleInput): Promise<Role> {
    const { unitOfWork, forget } = this.deps
    const changed = await unitOfWork.run(async (tx) => {
      await tx.roles.lockAll()
      const { version } = await find(tx, id)
      if (ifVersion !== undefined && ifVersion !== version)
        throw new GantryError('VERSION_CONFLICT', { params: { ifVersion, version } })
      if ((await tx.roles.ofUser(actor.id)) === id) throw refused('this is your own role')
      const patch = {
        ...(name === undefined ? {} : { name }),
        ...(permissions === undefined ? {} : { permissions: granted(actor, permissions) }),
      }
      await tx.roles.update(id, patch, tx.now)
      record(tx, actor, id)
      return find(tx, id)
    })
    forget('everybody')
    return changed
  }

  /** @throws GantryError `NOT_FOUND`, `INVALID_STATE` while somebody has it */
  async remove(actor: Actor, roleId: string): Promise<void> {
    await this.deps.unitOfWork.run(async (tx) => {
      await tx.roles.lockAll()
      const { users } = await find(tx, roleId)
      if (users > 0) throw refused(`${users} users have the role`)
      await tx.roles.remove(roleId)
      record(tx, actor, roleId)
    })
  }

  /** @throws GantryError `NOT_FOUND`, `FORBIDDEN`, `INVALID_STATE` for oneself */
  async assign(actor: Actor, { userId, role }: AssignRoleInput): Promise<void> {
    if (userId === actor.id) throw refused('this is your own role')
    const { unitOfWork, forget } = this.deps
    await unitOfWork.run(async (tx) => {
      await tx.roles.lockAll()
      if ((await tx.roles.ofUser(userId)) === undefined) throw notFound('user', userId)
      const builtIn = userRole.safeParse(role)
      granted(actor, builtIn.success ? ROLE_PERMISSIONS[builtIn.data] : (await find(tx, role)).permissions)
      await tx.roles.assign(userId, builtIn.success ? { builtIn: builtIn.data } : { id: role }, tx.now)
      tx.record({ type: 'user.updated', subjectType: 'user', subjectId: userId, payload: { userId } }, actor.id)
    })
    forget({ userId })
  }
}

const refused = (detail: string) => new GantryError('INVALID_STATE', { params: { detail } })

/** In the order of the list, each once. @throws GantryError `FORBIDDEN` for one that the actor has not got */
const granted = (actor: Actor, permissions: readonly Permission[]): Permission[] => {
  for (const each of permissions) assertMay(actor, each)
  return permission.options.filter((each) => permissions.includes(each))
}

const find = async ({ roles }: Repositories, roleId: string): Promise<Role> => {
  const role = await roles.get(roleId)
  if (role === null) throw notFound('role', roleId)
  return role
}

const record = (tx: Transaction, actor: Actor, roleId: string): void =>
  tx.record({ type: 'role.changed', subjectType: 'role', subjectId: roleId, payload: { roleId } }, actor.id)
