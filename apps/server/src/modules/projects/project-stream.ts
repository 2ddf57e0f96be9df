import type { Page, Project, ProjectEvent } from '@gantry/schemas'

import type { Actor, EventCursor, FollowEvents, Primary, StoredEvent } from '../../kernel/index.js'
import type { ProjectRepository } from './projects.ports.js'

const PAGE = 200
/** Older ones are paged through `projects.list`. */
const SNAPSHOT_PROJECTS = 1_000

export interface ProjectStreamDeps {
  /** Whoever heard of a change must see it. */
  reads: Primary<{ projects: Pick<ProjectRepository, 'get' | 'list'> }>
  follow: FollowEvents
}

export interface ProjectStreamItem {
  cursor: EventCursor
  data: ProjectEvent
}

/**
 * Projects as people change them, for what the actor may see: a snapshot of the newest, then every stored event with its
 * cursor. Resumes after the cursor of the last item without a gap or a double.
 */
export async function* projectStream(
  { reads, follow }: ProjectStreamDeps,
  actor: Actor,
  after: EventCursor | null,
  signal: AbortSignal,
): AsyncGenerator<ProjectStreamItem, void, void> {
  for await (const item of follow(after, signal)) {
    const { cursor } = item
    if (item.type === 'snapshot') {
      const projects = await newestProjects(reads, actor)
      yield { cursor, data: { type: 'snapshot', resync: item.resync, projects } }
      continue
    }
    const data = await told(reads, actor, item)
    if (data !== null) yield { cursor, data }
  }
}

/** Null: it is about something else, or not for the actor. */
const told = async (
  { projects }: ProjectStreamDeps['reads'],
  actor: Actor,
  event: StoredEvent,
): Promise<ProjectEvent | null> => {
  const { type } = event
  if (type === 'project.deleted') {
    const { projectId } = event.payload
    return sees(actor, projectId) ? { type, projectId } : null
  }
  if (type !== 'project.created' && type !== 'project.updated') return null
  const project = await projects.get(actor, event.payload.projectId)
  return project === null ? null : { type, project }
}

/** Of what is gone there is no row to ask. */
const sees = ({ scope }: Actor, projectId: string) => scope.projects === 'all' || scope.projects.includes(projectId)

const newestProjects = async ({ projects }: ProjectStreamDeps['reads'], actor: Actor): Promise<Project[]> => {
  const found: Project[] = []
  let cursor: string | null = null
  do {
    const page: Page<Project> = await projects.list(actor, { limit: PAGE, cursor, status: null })
    found.push(...page.items)
    cursor = page.nextCursor
  } while (cursor !== null && found.length < SNAPSHOT_PROJECTS)
  return found
}
