import type { Actor } from '../kernel/index.js'
import type { PlaceRepository, Places } from '../modules/auth/places.ports.js'
import type { Prisma } from './generated/client.js'
import { visibleProjects } from './scope.js'

const idsOf = (rows: { id: string }[]) => rows.map(({ id }) => id)

export class PrismaPlaceRepository implements PlaceRepository {
  constructor(private readonly tx: Prisma.TransactionClient) {}

  async among(actor: Actor, { printerGroupIds, locationIds, projectIds }: Places): Promise<Places> {
    const { printerGroups } = actor.scope
    const among = (ids: readonly string[]) => ({ id: { in: [...ids] } })
    const groups = printerGroups === 'all' ? {} : among(printerGroups)
    const select = { id: true }
    return {
      printerGroupIds: idsOf(
        await this.tx.printerGroup.findMany({ where: { AND: [groups, among(printerGroupIds)] }, select }),
      ),
      locationIds: idsOf(await this.tx.location.findMany({ where: among(locationIds), select })),
      projectIds: idsOf(
        await this.tx.project.findMany({ where: { AND: [visibleProjects(actor), among(projectIds)] }, select }),
      ),
    }
  }
}
