import { z } from 'zod'

import { idempotencyKey, idOf } from './ids.js'

export const projectStatus = z.enum(['todo', 'in_progress', 'done'])
export type ProjectStatus = z.infer<typeof projectStatus>

export const projectPart = z.object({
  id: idOf('projectPart'),
  name: z.string(),
  fileVersionId: idOf('fileVersion'),
  targetQuantity: z.int(),
  completedQuantity: z.int(),
  /** Copies that print jobs of this part still stand for. */
  orderedQuantity: z.int(),
  status: projectStatus,
})
export type ProjectPart = z.infer<typeof projectPart>

export const project = z.object({
  id: idOf('project'),
  name: z.string(),
  status: projectStatus,
  dueAt: z.date().nullable(),
  parts: z.array(projectPart),
  version: z.int(),
  createdAt: z.date(),
  updatedAt: z.date(),
})
export type Project = z.infer<typeof project>

const projectName = z.string().trim().min(1).max(100)

export const projectPartInput = z.strictObject({
  name: z.string().trim().min(1).max(100),
  fileId: idOf('file'),
  targetQuantity: z.int().min(1).max(10_000),
})

export const createProjectInput = z.strictObject({
  name: projectName,
  status: projectStatus.optional(),
  dueAt: z.date().optional(),
  parts: z.array(projectPartInput).max(100).default([]),
  idempotencyKey: idempotencyKey.optional(),
})
export type CreateProjectInput = z.infer<typeof createProjectInput>

export const updateProjectInput = z.strictObject({
  id: idOf('project'),
  ifVersion: z.int().optional(),
  name: projectName.optional(),
  status: projectStatus.optional(),
  dueAt: z.date().nullable().optional(),
})
export type UpdateProjectInput = z.infer<typeof updateProjectInput>
