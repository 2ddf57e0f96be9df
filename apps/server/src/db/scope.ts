import type { Actor } from '../kernel/index.js'
import type { Prisma } from './generated/client.js'

/** Printers that the actor may see. */
export const visiblePrinters = ({ scope }: Actor): Prisma.PrinterWhereInput => ({
  removedAt: null,
  ...(scope.printerGroups === 'all' ? {} : { groupId: { in: [...scope.printerGroups] } }),
})

export const visibleProjects = ({ scope }: Actor): Prisma.ProjectWhereInput => ({
  removedAt: null,
  ...(scope.projects === 'all' ? {} : { id: { in: [...scope.projects] } }),
})

/** Jobs of the actor's projects; jobs without a project belong to who submitted them. */
export const visibleJobs = ({ id, scope }: Actor): Prisma.PrintJobWhereInput =>
  scope.projects === 'all'
    ? {}
    : { OR: [{ projectId: { in: [...scope.projects] } }, { projectId: null, createdById: id }] }

/** Webhooks hear of everything, so only who sees everything sees them. */
export const visibleWebhooks = ({ scope }: Actor): Prisma.WebhookWhereInput => ({
  removedAt: null,
  ...(scope.printerGroups === 'all' && scope.projects === 'all' ? {} : { id: { in: [] } }),
})
