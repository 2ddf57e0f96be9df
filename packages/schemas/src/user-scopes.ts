import { z } from 'zod'

import { idOf } from './ids.js'

const MOST_PLACES = 200
const MOST_PROJECTS = 1_000

/** What of the farm a user sees. */
export const userScope = z.object({
  userId: idOf('user'),
  /** Printers of these groups, and of the groups that these locations have at the time; null: all printers. */
  printers: z.object({ groupIds: z.array(z.string()), locationIds: z.array(z.string()) }).nullable(),
  /** Null: all projects. What belongs to no project is seen by who made it. */
  projectIds: z.array(z.string()).nullable(),
  /** 0 until it is set for the first time. */
  version: z.int(),
})
export type UserScope = z.infer<typeof userScope>

export const setUserScopeInput = z.strictObject({
  userId: idOf('user'),
  printers: z
    .strictObject({
      groupIds: z.array(idOf('printerGroup')).max(MOST_PLACES).default([]),
      locationIds: z.array(idOf('location')).max(MOST_PLACES).default([]),
    })
    .nullable(),
  projectIds: z.array(idOf('project')).max(MOST_PROJECTS).nullable(),
  ifVersion: z.int().optional(),
})
export type SetUserScopeInput = z.infer<typeof setUserScopeInput>
