import { type UserRole } from '@gantry/schemas'

import { inRole, withinScope, type Scope } from '../kernel/index.js'
import type { UserRights } from '../modules/auth/auth.ports.js'
import { Prisma } from './generated/client.js'
import { knownPermissions } from './known-permissions.js'

export interface RightsRow {
  userId: string
  role: UserRole
  /** In place of the role; null: that one holds. */
  customRole: { name: string; permissions: string[] } | null
  /** Null: all. */
  printerGroupIds: string[] | null
  projectIds: string[] | null
}

/**
 * Columns of a {@link RightsRow}, of user `u` with {@link WITH_RIGHTS}. Groups of a location are those it has now. A list that
 * nobody filled in names nothing, and must not be taken for everything.
 */
export const RIGHTS = Prisma.sql`
  u.id AS "userId", u.role::text AS role,
  CASE WHEN cr.id IS NOT NULL THEN jsonb_build_object('name', cr.name, 'permissions', coalesce(cr.permissions, '{}')) END AS "customRole",
  CASE WHEN NOT coalesce(sc.all_printers, true) THEN ARRAY(
    SELECT g.id FROM printer_group g WHERE g.id = ANY(sc.printer_group_ids) OR g.location_id = ANY(sc.location_ids) ORDER BY 1
  ) END AS "printerGroupIds",
  CASE WHEN NOT coalesce(sc.all_projects, true) THEN coalesce(sc.project_ids, '{}') END AS "projectIds"`

export const WITH_RIGHTS = Prisma.sql`
  LEFT JOIN user_scope sc ON sc.user_id = u.id LEFT JOIN custom_role cr ON cr.id = u.custom_role_id`

export const rightsOf = ({ userId, role, customRole, printerGroupIds, projectIds }: RightsRow): UserRights => {
  const scope: Scope = { printerGroups: printerGroupIds ?? 'all', projects: projectIds ?? 'all' }
  const has =
    customRole === null
      ? inRole(role)
      : { role: customRole.name, permissions: new Set(knownPermissions(customRole.permissions)) }
  return { userId, role: has.role, permissions: withinScope(has.permissions, scope), scope }
}
