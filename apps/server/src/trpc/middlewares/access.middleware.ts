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

const assertPerson = ({ kind, role }: Actor): void => {
  if (kind === 'api_key') throw new GantryError('FORBIDDEN', { params: { needs: 'session', has: role } })
}

/** @throws GantryError `UNAUTHENTICATED`, or `FORBIDDEN { needs, has }` for an API key */
export const requireSession = t.middleware(({ ctx, next }) => {
  const { actor } = ctx
  if (actor === null) throw new GantryError('UNAUTHENTICATED')
  assertPerson(actor)
  return next({ ctx: { ...ctx, actor } })
})

/**
 * The same, and also whoever holds cookies of a session whose access token is over: the actor is null then.
 * @throws GantryError `UNAUTHENTICATED`, `FORBIDDEN { needs, has }` for an API key, `CROSS_SITE_REFUSED`
 */
export const requireSessionOrCookies = t.middleware(({ ctx, next }) => {
  const { actor, cookies } = ctx
  if (actor !== null) assertPerson(actor)
  else if (cookies?.areThere() !== true) throw new GantryError('UNAUTHENTICATED')
  else cookies.assertSettable()
  return next()
})

/** Whether the procedure lets him in, for whoever wants to know before calling it. */
export const mayCall = (actor: Actor | null, access: NonNullable<ProcedureMeta['access']>): boolean => {
  if (access === 'public') return true
  if (actor === null) return false
  return access === 'session' ? actor.kind !== 'api_key' : actor.permissions.has(access)
}
