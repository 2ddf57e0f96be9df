import { z } from 'zod'

import { userRole } from './auth.js'
import { idOf } from './ids.js'
import { permission, PERMISSIONS } from './permissions.js'

/** A role that people made. */
export const role = z.object({
  id: idOf('role'),
  name: z.string(),
  permissions: z.array(permission),
  /** How many users have it. */
  users: z.int(),
  version: z.int(),
  createdAt: z.date(),
})
export type Role = z.infer<typeof role>

const TAKEN: readonly string[] = [...userRole.options, 'api_key']

const name = z
  .string()
  .trim()
  .min(1)
  .max(50)
  .refine((text) => !TAKEN.includes(text.toLowerCase()), 'is the name of a built-in role')
const permissions = z.array(permission).max(PERMISSIONS.length)

export const createRoleInput = z.strictObject({ name, permissions })
export type CreateRoleInput = z.infer<typeof createRoleInput>

export const updateRoleInput = z.strictObject({
  id: idOf('role'),
  ifVersion: z.int().optional(),
  name: name.optional(),
  permissions: permissions.optional(),
})
export type UpdateRoleInput = z.infer<typeof updateRoleInput>

export const assignRoleInput = z.strictObject({
  userId: idOf('user'),
  /** A built-in role by its name, or another by its id. */
  role: z.union([userRole, idOf('role')]),
})
export type AssignRoleInput = z.infer<typeof assignRoleInput>
