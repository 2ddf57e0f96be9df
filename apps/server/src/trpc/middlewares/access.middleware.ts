import type { UserRole } from '@gantry/schemas'

import { GantryError } from '../../kernel/errors.js'
import { t } from '../init.js'

const RANK: Readonly<Record<UserRole, number>> = { viewer: 0, operator: 1, admin: 2 }

/** @throws GantryError `UNAUTHENTICATED`, or `FORBIDDEN { needs, has }` when the role is too low */
export const requireRole = (needs: UserRole) =>
  t.middleware(({ ctx, next }) => {
    const { actor } = ctx
    if (actor === null) throw new GantryError('UNAUTHENTICATED')
    if (RANK[actor.role] < RANK[needs]) throw new GantryError('FORBIDDEN', { params: { needs, has: actor.role } })
    return next({ ctx: { ...ctx, actor } })
  })
