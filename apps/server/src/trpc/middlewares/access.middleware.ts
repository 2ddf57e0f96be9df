import type { Permission } from '@gantry/schemas'

import type { Actor } from '../../kernel/actor.js'
import { GantryError } from '../../kernel/errors.js'
import { assertMay } from '../../kernel/permissions.js'
import { t, type ProcedureMeta } from '../init.js'

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

/** Whether the procedure lets him in, for whoever wants to know before calling it. */
export const mayCall = (actor: Actor | null, access: NonNullable<ProcedureMeta['access']>): boolean => {
  if (access === 'public') return true
  if (actor === null) return false
  return access === 'session' ? actor.kind !== 'api_key' : actor.permissions.has(access)
}
