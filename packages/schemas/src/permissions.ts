import { z } from 'zod'

import type { UserRole } from './auth.js'

/**
 * The closed list of what somebody may be allowed to do. Every procedure needs one of them, is for one's own login, or is
 * open to everybody; roles and the scopes of API keys are made of them.
 */
export const PERMISSIONS = [
  'printers.read',
  'printers.control',
  'printers.manage',
  'printJobs.read',
  'printJobs.submit',
  'printJobs.manage',
  'files.read',
  'files.write',
  'projects.read',
  'projects.write',
  'projects.create',
  'alarms.read',
  'alarms.manage',
  'exports.read',
  'exports.create',
  'exports.farm',
  'statistics.read',
  'statistics.api',
  'webhooks.read',
  'webhooks.manage',
  'notifications.read',
  'notifications.send',
  'jobs.read',
  'jobs.manage',
  'users.read',
  'users.manage',
  'audit.read',
  'system.info',
  'system.read',
  'system.manage',
] as const

export const permission = z.enum(PERMISSIONS)
export type Permission = z.infer<typeof permission>

const VIEWER = [
  'printers.read',
  'printJobs.read',
  'files.read',
  'projects.read',
  'alarms.read',
  'exports.read',
  'exports.create',
  'system.info',
] as const satisfies readonly Permission[]

const OPERATOR = [
  ...VIEWER,
  'printers.control',
  'printJobs.submit',
  'printJobs.manage',
  'files.write',
  'projects.write',
  'projects.create',
  'alarms.manage',
  'statistics.read',
] as const satisfies readonly Permission[]

/** What the built-in roles are made of. */
export const ROLE_PERMISSIONS: Readonly<Record<UserRole, readonly Permission[]>> = {
  viewer: VIEWER,
  operator: OPERATOR,
  admin: PERMISSIONS,
}

/** What is about the whole installation: nobody has it who may see only a part of the farm. */
export const FARM_WIDE_PERMISSIONS = [
  'exports.farm',
  'statistics.api',
  'webhooks.read',
  'webhooks.manage',
  'notifications.read',
  'notifications.send',
  'jobs.read',
  'jobs.manage',
  'users.read',
  'users.manage',
  'audit.read',
  'system.read',
  'system.manage',
] as const satisfies readonly Permission[]

/** What makes something of which no scope knows yet: nobody has it who may see only some projects. */
export const ALL_PROJECTS_PERMISSIONS = ['projects.create'] as const satisfies readonly Permission[]
