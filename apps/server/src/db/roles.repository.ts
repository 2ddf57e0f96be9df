import type { Role, UserRole } from '@gantry/schemas'

import { GantryError } from '../kernel/index.js'
import type { NewRole, RolePatch, RoleRepository } from '../modules/auth/roles.ports.js'
import { isUniqueViolation } from './errors.js'
import type { Prisma } from './generated/client.js'
import { knownPermissions } from './known-permissions.js'

const WITH_USERS = { _count: { select: { users: true } } } as const satisfies Prisma.CustomRoleInclude

const roleOf = (row: Prisma.CustomRoleGetPayload<{ include: typeof WITH_USERS }>): Role => ({
  id: row.id,
  name: row.name,
  permissions: knownPermissions(row.permissions),
  users: row._count.users,
  version: row.version,
  createdAt: row.createdAt,
})

const nameTaken = (name: string) => (error: unknown) => {
  if (isUniqueViolation(error, 'custom_role_name_key')) throw new GantryError('NAME_TAKEN', { params: { name } })
  throw error
}

export class PrismaRoleRepository implements RoleRepository {
  constructor(private readonly tx: Prisma.TransactionClient) {}

  async lockAll() {
    await this.tx.$executeRaw`LOCK TABLE custom_role IN SHARE ROW EXCLUSIVE MODE`
  }

  count() {
    return this.tx.customRole.count()
  }

  async list() {
    return (await this.tx.customRole.findMany({ include: WITH_USERS, orderBy: { name: 'asc' } })).map(roleOf)
  }

  async get(roleId: string) {
    const row = await this.tx.customRole.findUnique({ where: { id: roleId }, include: WITH_USERS })
    return row === null ? null : roleOf(row)
  }

  async create({ permissions, ...role }: NewRole) {
    await this.tx.customRole.create({ data: { ...role, permissions: [...permissions] } }).catch(nameTaken(role.name))
  }

  async update(roleId: string, { name, permissions }: RolePatch, now: Date) {
    const patch = {
      ...(name === undefined ? {} : { name }),
      ...(permissions === undefined ? {} : { permissions: [...permissions] }),
    }
    const data = { ...patch, updatedAt: now, version: { increment: 1 } }
    await this.tx.customRole.update({ where: { id: roleId }, data }).catch(nameTaken(name ?? ''))
  }

  async remove(roleId: string) {
    await this.tx.customRole.delete({ where: { id: roleId } })
  }

  async ofUser(userId: string) {
    const user = await this.tx.user.findUnique({ where: { id: userId }, select: { customRoleId: true } })
    return user?.customRoleId
  }

  async assign(userId: string, role: { builtIn: UserRole } | { id: string }, now: Date) {
    const has =
      'id' in role ? { role: 'viewer' as const, customRoleId: role.id } : { role: role.builtIn, customRoleId: null }
    await this.tx.user.update({ where: { id: userId }, data: { ...has, updatedAt: now, version: { increment: 1 } } })
  }
}
