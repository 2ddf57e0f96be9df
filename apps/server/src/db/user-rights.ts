import { type UserRole } from '@gantry/schemas'

import { inRole, withinScope, type Scope } from '../kernel/index.js'
import type { UserRights } from '../modules/auth/auth.ports.js'
import { Prisma } from './generated/client.js'

export interface RightsRow {
  userId: string
  role: UserRole
  /** Null: all. */
  printerGroupIds: string[] | null
  projectIds: string[] | null
}

/** Columns of a {@link RightsRow}, of user `u` with {@link WITH_SCOPE}. Groups of a location are those it has now. */
export const RIGHTS = Prisma.sql`
  u.id AS "userId", u.role::text AS role,
  CASE WHEN NOT coalesce(sc.all_printers, true) THEN ARRAY(
    SELECT g.id FROM printer_group g WHERE g.id = ANY(sc.printer_group_ids) OR g.location_id = ANY(sc.location_ids) ORDER BY 1
  ) END AS "printerGroupIds",
  CASE WHEN NOT coalesce(sc.all_projects, true) THEN sc.project_ids END AS "projectIds"`

export const WITH_SCOPE = Prisma.sql`LEFT JOIN user_scope sc ON sc.user_id = u.id`

export const rightsOf = ({ userId, role, printerGroupIds, projectIds }: RightsRow): UserRights => {
  const scope: Scope = { printerGroups: printerGroupIds ?? 'all', projects: projectIds ?? 'all' }
  const { permissions } = inRole(role)
  return { userId, role, permissions: withinScope(permissions, scope), scope }
}
