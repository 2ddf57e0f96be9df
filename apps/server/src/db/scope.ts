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

/** Files of others that something prints which the actor does not see; null: there is nothing of that kind. */
export const filesUsedElsewhere = ({ id, scope }: Actor): Prisma.PrintFileWhereInput | null => {
  if (scope.projects === 'all') return null
  const elsewhere = { projectId: { notIn: [...scope.projects] } }
  const jobs = [elsewhere, { projectId: null, createdById: null }, { projectId: null, createdById: { not: id } }]
  return {
    NOT: { createdById: id },
    versions: { some: { OR: [{ parts: { some: elsewhere } }, { jobs: { some: { OR: jobs } } }] } },
  }
}

/** Webhooks hear of everything, so only who sees everything sees them. */
export const visibleWebhooks = ({ scope }: Actor): Prisma.WebhookWhereInput => ({
  removedAt: null,
  ...(seesEverything(scope) ? {} : { id: { in: [] } }),
})
