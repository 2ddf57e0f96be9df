import {
  ROLE_PERMISSIONS,
  userRole,
  type AssignRoleInput,
  type CreateRoleInput,
  type Role,
  type UpdateRoleInput,
} from '@gantry/schemas'

import {
  GantryError,
  newId,
  notFound,
  type Actor,
  type Primary,
  type TransactionContext,
  type UnitOfWork,
} from '../../kernel/index.js'
import { keepAnAdmin, type AdminRepository } from './admins.js'
import type { UserRepository } from './auth.ports.js'
import { expectNoMore, granted } from './role-grants.js'
import type { RoleRepository } from './roles.ports.js'
import { recordUser } from './user-events.js'

interface Repositories {
  roles: RoleRepository
  accounts: AdminRepository
  users: Pick<UserRepository, 'get'>
}
type Transaction = Repositories & TransactionContext

export interface RolesServiceDeps {
  unitOfWork: UnitOfWork<Repositories>
  reads: Primary<Pick<Repositories, 'roles'>>
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
      const { version, permissions: hitherto } = await find(tx, id)
      if (ifVersion !== undefined && ifVersion !== version)
        throw new GantryError('VERSION_CONFLICT', { params: { ifVersion, version } })
      if ((await tx.roles.ofUser(actor.id)) === id) throw refused('this is your own role')
      granted(actor, hitherto)
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

  /** @throws GantryError `NOT_FOUND`, `FORBIDDEN` for one that may more, `INVALID_STATE` while somebody has it */
  async remove(actor: Actor, roleId: string): Promise<void> {
    await this.deps.unitOfWork.run(async (tx) => {
      await tx.roles.lockAll()
      const { users, permissions } = await find(tx, roleId)
      granted(actor, permissions)
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
      await tx.accounts.lockAdmins()
      const user = await tx.users.get(userId)
      if (user === null) throw notFound('user', userId)
      await expectNoMore(tx, actor, user)
      if (user.role === 'admin' && role !== 'admin') await keepAnAdmin(tx.accounts, userId)
      const builtIn = userRole.safeParse(role)
      granted(actor, builtIn.success ? ROLE_PERMISSIONS[builtIn.data] : (await find(tx, role)).permissions)
      await tx.roles.assign(userId, builtIn.success ? { builtIn: builtIn.data } : { id: role }, tx.now)
      recordUser(tx, 'user.updated', userId, actor.id)
    })
    forget({ userId })
  }
}

const refused = (detail: string) => new GantryError('INVALID_STATE', { params: { detail } })

const find = async ({ roles }: Pick<Repositories, 'roles'>, roleId: string): Promise<Role> => {
  const role = await roles.get(roleId)
  if (role === null) throw notFound('role', roleId)
  return role
}

const record = (tx: Transaction, actor: Actor, roleId: string): void =>
  tx.record({ type: 'role.changed', subjectType: 'role', subjectId: roleId, payload: { roleId } }, actor.id)
