import type { Permission } from '@gantry/schemas'

import { GantryError } from '../../kernel/errors.js'
import { assertMay } from '../../kernel/permissions.js'
import { t } from '../init.js'

/** @throws GantryError `UNAUTHENTICATED`, or `FORBIDDEN { needs, has }` when the actor has not got the permission */
export const requirePermission = (needs: Permission) =>
  t.middleware(({ ctx, next }) => {
    const { actor } = ctx
    if (actor === null) throw new GantryError('UNAUTHENTICATED')
    assertMay(actor, needs)
    return next({ ctx: { ...ctx, actor } })
  })

/** @throws GantryError `UNAUTHENTICATED`, or `FORBIDDEN { needs, has }` for an API key */
export const requireSession = t.middleware(({ ctx, next }) => {
  const { actor } = ctx
  if (actor === null) throw new GantryError('UNAUTHENTICATED')
  if (actor.kind === 'api_key') throw new GantryError('FORBIDDEN', { params: { needs: 'session', has: actor.role } })
  return next({ ctx: { ...ctx, actor } })
})
