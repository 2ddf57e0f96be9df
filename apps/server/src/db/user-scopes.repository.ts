import type { UserScope } from '@gantry/schemas'

import type { UserScopeRepository } from '../modules/auth/user-scopes.ports.js'
import type { Prisma } from './generated/client.js'

export class PrismaUserScopeRepository implements UserScopeRepository {
  constructor(private readonly tx: Prisma.TransactionClient) {}

  async get(userId: string): Promise<UserScope | null> {
    const user = await this.tx.user.findUnique({ where: { id: userId }, select: { scope: true } })
    if (user === null) return null
    const { scope } = user
    if (scope === null) return { userId, printers: null, projectIds: null, version: 0 }
    const printers = scope.allPrinters ? null : { groupIds: scope.printerGroupIds, locationIds: scope.locationIds }
    return { userId, printers, projectIds: scope.allProjects ? null : scope.projectIds, version: scope.version }
  }

  async lock(userId: string) {
    await this.tx.$queryRaw`SELECT 1 FROM app_user WHERE id = ${userId} FOR UPDATE`
    return this.get(userId)
  }

  async set({ userId, printers, projectIds, version }: UserScope, byId: string, now: Date) {
    const row = {
      allPrinters: printers === null,
      printerGroupIds: printers?.groupIds ?? [],
      locationIds: printers?.locationIds ?? [],
      allProjects: projectIds === null,
      projectIds: projectIds ?? [],
      version,
      updatedAt: now,
    }
    await this.tx.userScope.upsert({ where: { userId }, update: row, create: { ...row, userId, createdById: byId } })
  }
}
