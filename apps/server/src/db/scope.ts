import { seesEverything, type Actor } from '../kernel/index.js'
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

/** Who sees only some projects sees the files that these and their jobs print, and their own. */
export const visibleFiles = (actor: Actor): Prisma.PrintFileWhereInput => {
  if (actor.scope.projects === 'all') return {}
  const own = { createdById: actor.id }
  const used = [{ parts: { some: { project: visibleProjects(actor) } } }, { jobs: { some: visibleJobs(actor) } }]
  return { OR: [own, { versions: { some: { OR: [own, ...used] } } }] }
}

/** Webhooks hear of everything, so only who sees everything sees them. */
export const visibleWebhooks = ({ scope }: Actor): Prisma.WebhookWhereInput => ({
  removedAt: null,
  ...(seesEverything(scope) ? {} : { id: { in: [] } }),
})
