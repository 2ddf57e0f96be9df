import type { Page, Project, ProjectStatus, UpdateProjectInput } from '@gantry/schemas'

import type { Actor } from '../../kernel/index.js'

/** A part with what is needed to order copies of it. */
export interface OrderablePart {
  partId: string
  projectId: string
  projectName: string
  name: string
  fileVersionId: string
  targetQuantity: number
  completedQuantity: number
  orderedQuantity: number
}

export interface NewProject {
  id: string
  name: string
  status: ProjectStatus
  dueAt: Date | null
  createdById: string
  parts: { id: string; name: string; fileVersionId: string; targetQuantity: number }[]
}

export interface ProjectRepository {
  list(
    actor: Actor,
    query: { limit: number; cursor: string | null; status: ProjectStatus | null },
  ): Promise<Page<Project>>
  get(actor: Actor, projectId: string): Promise<Project | null>
  create(project: NewProject): Promise<void>
  /** @returns false when the row has another version than `ifVersion` meanwhile */
  update(input: UpdateProjectInput, now: Date): Promise<boolean>
  remove(projectId: string, now: Date): Promise<void>
  addPart(projectId: string, part: NewProject['parts'][number]): Promise<void>
  /** Locks the part, so that two orders at once cannot order more than is missing. */
  lockPart(actor: Actor, partId: string): Promise<OrderablePart | null>
}

export interface PartProgressRepository {
  /** Counts one completed copy, and moves the part's and the project's status along. */
  countCompleted(partId: string, now: Date): Promise<void>
  /** Marks parts and their projects as begun. */
  markStarted(partIds: string[], now: Date): Promise<void>
}
