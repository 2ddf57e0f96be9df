import type { CreateProjectInput, Page, Project, ProjectStatus, UpdateProjectInput } from '@gantry/schemas'

import {
  GantryError,
  newId,
  notFound,
  type Actor,
  type AnyReads,
  type EventCursor,
  type FollowEvents,
  type Primary,
  type TransactionContext,
  type UnitOfWork,
} from '../../kernel/index.js'
import type { PrintableFileRepository, PrintJobRepository } from '../print-jobs/print-jobs.ports.js'
import { projectStream, type ProjectStreamItem } from './project-stream.js'
import type { NewProject, ProjectRepository } from './projects.ports.js'

interface Repositories {
  projects: ProjectRepository
  printableFiles: PrintableFileRepository
  printJobs: PrintJobRepository
}
type Transaction = Repositories & TransactionContext

export interface ProjectsServiceDeps {
  unitOfWork: UnitOfWork<Repositories>
  reads: Primary<Pick<Repositories, 'projects'>>
  lists: AnyReads<{ projects: Pick<ProjectRepository, 'list'> }>
  follow: FollowEvents
}

export interface NewPartInput {
  name: string
  fileId: string
  targetQuantity: number
}

export interface AddPartInput extends NewPartInput {
  /** The project's. */
  id: string
  idempotencyKey?: string | undefined
}

type NewPart = NewProject['parts'][number]

const MAX_PARTS = 500

/** Projects: what is to be printed, part by part, and how far it is. */
export class ProjectsService {
  constructor(private readonly deps: ProjectsServiceDeps) {}

  list(
    actor: Actor,
    query: { limit: number; cursor: string | null; status: ProjectStatus | null },
  ): Promise<Page<Project>> {
    return this.deps.lists.read(actor, ({ projects }) => projects.list(actor, query), {
      query: 'projects.list',
      input: query,
      tags: ['project', 'print_job', 'attempt'],
    })
  }

  /** @throws GantryError `NOT_FOUND` */
  get(actor: Actor, projectId: string): Promise<Project> {
    return find(this.deps.reads, actor, projectId)
  }

  /** Each part prints the newest version that its file has now. @throws GantryError `NOT_FOUND` naming the part's file */
  async create(actor: Actor, { idempotencyKey, ...input }: CreateProjectInput): Promise<Project> {
    const { id } = await this.once(actor, 'projects.create', idempotencyKey, input, (tx) => createIn(tx, actor, input))
    return this.get(actor, id)
  }

  /** @throws GantryError `NOT_FOUND`, `VERSION_CONFLICT` */
  async update(actor: Actor, input: UpdateProjectInput): Promise<Project> {
    await this.deps.unitOfWork.run(async (tx) => {
      const { version } = await find(tx, actor, input.id)
      if (!(await tx.projects.update(input, tx.now))) {
        throw new GantryError('VERSION_CONFLICT', { params: { ifVersion: input.ifVersion ?? version, version } })
      }
      record(tx, actor, 'project.updated', input.id)
    })
    return this.get(actor, input.id)
  }

  /** @throws GantryError `NOT_FOUND`, `INVALID_STATE` while its jobs are not over */
  async remove(actor: Actor, projectId: string): Promise<void> {
    await this.deps.unitOfWork.run(async (tx) => {
      const { parts } = await find(tx, actor, projectId)
      // An order takes the same lock, so none can come in between the look and the removal.
      for (const id of parts.map((part) => part.id).toSorted()) await tx.projects.lockPart(actor, id)
      const states = ['queued' as const, 'printing' as const, 'held' as const]
      const { items: unfinished } = await tx.printJobs.list(actor, {
        ...{ order: 'newest' as const, states, projectId, limit: 1, cursor: null },
      })
      if (unfinished.length > 0) {
        throw new GantryError('INVALID_STATE', { params: { detail: 'the project has print jobs that are not over' } })
      }
      await tx.projects.remove(projectId, tx.now)
      record(tx, actor, 'project.deleted', projectId)
    })
  }

  /** Adds a part behind the others; a project that was done goes on. @throws GantryError `NOT_FOUND`, `INVALID_STATE` */
  async addPart(actor: Actor, { idempotencyKey, ...input }: AddPartInput): Promise<Project> {
    await this.once(actor, 'projects.addPart', idempotencyKey, input, (tx) => addPartIn(tx, actor, input))
    return this.get(actor, input.id)
  }

  /** See {@link projectStream}. */
  watch(actor: Actor, cursor: EventCursor | null, signal: AbortSignal): AsyncGenerator<ProjectStreamItem, void, void> {
    return projectStream(this.deps, actor, cursor, signal)
  }

  private once<T>(
    actor: Actor,
    procedure: string,
    key: string | undefined,
    input: unknown,
    work: (tx: Transaction) => Promise<T>,
  ): Promise<T> {
    const { unitOfWork } = this.deps
    return key === undefined
      ? unitOfWork.run(work)
      : unitOfWork.once({ actorId: actor.id, key, procedure, input }, work)
  }
}

const find = async ({ projects }: Pick<Repositories, 'projects'>, actor: Actor, id: string): Promise<Project> => {
  const project = await projects.get(actor, id)
  if (project === null) throw notFound('project', id)
  return project
}

const createIn = async (
  tx: Transaction,
  actor: Actor,
  input: Omit<CreateProjectInput, 'idempotencyKey'>,
): Promise<{ id: string }> => {
  const id = newId('project')
  const parts: NewPart[] = []
  for (const [index, part] of input.parts.entries()) {
    parts.push(await newPart(tx, actor, part, `parts.${index}.fileId`))
  }
  const { name, status = 'todo', dueAt = null } = input
  await tx.projects.create({ id, name, status, dueAt, createdById: actor.id, parts })
  record(tx, actor, 'project.created', id)
  return { id }
}

const addPartIn = async (
  tx: Transaction,
  actor: Actor,
  { id, ...input }: AddPartInput,
): Promise<{ partId: string }> => {
  const { parts, status } = await find(tx, actor, id)
  if (parts.length >= MAX_PARTS) {
    throw new GantryError('INVALID_STATE', { params: { detail: `a project has at most ${MAX_PARTS} parts` } })
  }
  const part = await newPart(tx, actor, input, 'fileId')
  await tx.projects.addPart(id, part)
  await tx.projects.update(status === 'done' ? { id, status: 'in_progress' } : { id }, tx.now)
  record(tx, actor, 'project.updated', id)
  return { partId: part.id }
}

const newPart = async (
  { printableFiles }: Transaction,
  actor: Actor,
  { name, fileId, targetQuantity }: NewPartInput,
  field: string,
): Promise<NewPart> => {
  const file = await printableFiles.latest(actor, fileId)
  if (file === null) {
    const fields = { [field]: ['is no file of the library'] }
    throw new GantryError('NOT_FOUND', { params: { resource: 'file', id: fileId }, fields })
  }
  return { id: newId('projectPart'), name, fileVersionId: file.fileVersionId, targetQuantity }
}

const record = (
  tx: TransactionContext,
  actor: Actor,
  type: 'project.created' | 'project.updated' | 'project.deleted',
  projectId: string,
): void =>
  tx.record({ type, subjectType: 'project', subjectId: projectId, projectId, payload: { projectId } }, actor.id)
