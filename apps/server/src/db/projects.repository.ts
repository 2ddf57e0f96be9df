import type { Project, ProjectPart, ProjectStatus, UpdateProjectInput } from '@gantry/schemas'

import type { Actor } from '../kernel/index.js'
import type {
  NewProject,
  OrderablePart,
  PartProgressRepository,
  ProjectRepository,
} from '../modules/projects/projects.ports.js'
import type { Prisma } from './generated/client.js'
import { decodeCursor, olderThan, toPage } from './keyset.js'
import { visibleProjects } from './scope.js'

const WITH_PARTS = {
  parts: {
    orderBy: { position: 'asc' },
    include: { jobs: { select: { copies: true, failedCopies: true, cancelledCopies: true } } },
  },
} as const satisfies Prisma.ProjectInclude

type Row = Prisma.ProjectGetPayload<{ include: typeof WITH_PARTS }>
type PartRow = Row['parts'][number]

/** Copies that are printed or still to come; what failed or was cancelled can be ordered again. */
const orderedOf = (part: Pick<PartRow, 'jobs'>) =>
  part.jobs.reduce((sum, job) => sum + job.copies - job.failedCopies - job.cancelledCopies, 0)

const partOf = (part: PartRow): ProjectPart => ({
  id: part.id,
  name: part.name,
  fileVersionId: part.fileVersionId,
  targetQuantity: part.targetQuantity,
  completedQuantity: part.completedQuantity,
  orderedQuantity: orderedOf(part),
  status: part.status,
})

const projectOf = ({ id, name, status, dueAt, parts, version, createdAt, updatedAt }: Row): Project => ({
  id,
  name,
  status,
  dueAt,
  parts: parts.map(partOf),
  version,
  createdAt,
  updatedAt,
})

export class PrismaProjectRepository implements ProjectRepository {
  constructor(private readonly tx: Prisma.TransactionClient) {}

  async list(
    actor: Actor,
    { limit, cursor, status }: { limit: number; cursor: string | null; status: ProjectStatus | null },
  ) {
    const rows = await this.tx.project.findMany({
      where: { AND: [visibleProjects(actor), olderThan(decodeCursor(cursor)), status === null ? {} : { status }] },
      include: WITH_PARTS,
      orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
      take: limit + 1,
    })
    return toPage(rows, limit, ({ createdAt, id }) => ({ at: createdAt, id }), projectOf)
  }

  async get(actor: Actor, projectId: string) {
    const row = await this.tx.project.findFirst({
      where: { AND: [visibleProjects(actor), { id: projectId }] },
      include: WITH_PARTS,
    })
    return row === null ? null : projectOf(row)
  }

  async create({ parts, ...project }: NewProject) {
    const { createdById } = project
    await this.tx.project.create({
      data: {
        ...project,
        parts: { create: parts.map((part, position) => ({ ...part, position, createdById })) },
        members: { create: { userId: createdById, role: 'owner' } },
      },
    })
  }

  async update({ id, ifVersion, ...patch }: UpdateProjectInput, now: Date) {
    const { count } = await this.tx.project.updateMany({
      where: { id, removedAt: null, ...(ifVersion === undefined ? {} : { version: ifVersion }) },
      data: { ...patch, version: { increment: 1 }, updatedAt: now },
    })
    return count === 1
  }

  async remove(projectId: string, now: Date) {
    await this.tx.project.update({ where: { id: projectId }, data: { removedAt: now } })
  }

  async addPart(projectId: string, part: NewProject['parts'][number]) {
    await this.tx.$queryRaw`SELECT 1 FROM project WHERE id = ${projectId} FOR UPDATE`
    const position = await this.tx.projectPart.count({ where: { projectId } })
    await this.tx.projectPart.create({ data: { ...part, projectId, position } })
  }

  async lockPart(actor: Actor, partId: string): Promise<OrderablePart | null> {
    await this.tx.$queryRaw`SELECT 1 FROM project_part WHERE id = ${partId} FOR UPDATE`
    const part = await this.tx.projectPart.findFirst({
      where: { id: partId, project: visibleProjects(actor) },
      include: { ...WITH_PARTS.parts.include, project: { select: { name: true } } },
    })
    if (part === null) return null
    const { projectId, name, fileVersionId, targetQuantity, completedQuantity } = part
    return {
      partId,
      projectId,
      projectName: part.project.name,
      name,
      fileVersionId,
      targetQuantity,
      completedQuantity,
      orderedQuantity: orderedOf(part),
    }
  }
}

export class PrismaPartProgressRepository implements PartProgressRepository {
  constructor(private readonly tx: Prisma.TransactionClient) {}

  async countCompleted(partId: string, now: Date) {
    await this.tx.$executeRaw`
      UPDATE project_part SET completed_quantity = completed_quantity + 1,
        status = CASE WHEN completed_quantity + 1 >= target_quantity THEN 'done' ELSE 'in_progress' END::project_status
      WHERE id = ${partId}`
    // A project is done when its last part is; a person may have said otherwise, and is not overruled.
    await this.tx.$executeRaw`
      UPDATE project SET status = 'done', version = version + 1, updated_at = ${now}
      WHERE id = (SELECT project_id FROM project_part WHERE id = ${partId}) AND status <> 'done'
        AND NOT EXISTS (SELECT 1 FROM project_part p WHERE p.project_id = project.id AND p.status <> 'done')`
  }

  async markStarted(partIds: string[], now: Date) {
    // Parts before projects, and each by id, so that two who begin several cannot wait for each other.
    const started = await this.tx.$queryRaw<{ id: string }[]>`
      SELECT id FROM project_part WHERE id = ANY(${partIds}) AND status = 'todo' ORDER BY id FOR UPDATE`
    if (started.length > 0)
      await this.tx.$executeRaw`
        UPDATE project_part SET status = 'in_progress' WHERE id = ANY(${started.map(({ id }) => id)})`
    const projects = await this.tx.$queryRaw<{ id: string }[]>`
      SELECT id FROM project WHERE status = 'todo'
        AND id IN (SELECT project_id FROM project_part WHERE id = ANY(${partIds})) ORDER BY id FOR UPDATE`
    if (projects.length > 0)
      await this.tx.$executeRaw`
        UPDATE project SET status = 'in_progress', version = version + 1, updated_at = ${now}
        WHERE id = ANY(${projects.map(({ id }) => id)})`
  }
}
