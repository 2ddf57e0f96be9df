import type { Permission } from '@gantry/schemas'

import { t } from './init.js'
import { requirePermission, requireSession, requireSessionOrCookies } from './middlewares/access.middleware.js'
import { fromAllowedPage } from './middlewares/browser.middleware.js'
import { call } from './middlewares/call.middleware.js'

const base = t.procedure.use(call)

/*
 * There are a few ways to begin a procedure, each of which says who may call it. Every procedure declares
 * `.input(z.strictObject(…))` when it has an input, and always `.output(…)`: what a service returns beyond it is dropped,
 * so that a new column cannot leak. Subscriptions declare `.output(streamOf(…))`.
 */

/** Anybody; `ctx.actor` may be null. */
export const publicProcedure = base.meta({ access: 'public' })
/** Any page that is allowed; what is returned may set cookies. */
export const browserProcedure = publicProcedure.use(fromAllowedPage)
/** Whoever is logged in, for oneself; an API key never. */
export const sessionProcedure = base.meta({ access: 'session' }).use(requireSession)
/** The same, also when only its cookies are left of a session: `ctx.actor` may be null. */
export const leavingProcedure = base.meta({ access: 'session' }).use(requireSessionOrCookies)
/** Whoever has the permission, by role or by the scopes of an API key. */
export const procedureFor = (needs: Permission) => base.meta({ access: needs }).use(requirePermission(needs))
/** Whoever is logged in and has the permission; an API key never, whatever its scopes. */
export const sessionProcedureFor = (needs: Permission) => procedureFor(needs).use(requireSession)
