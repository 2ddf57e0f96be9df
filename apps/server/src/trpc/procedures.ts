import type { UserRole } from '@gantry/schemas'

import { t } from './init.js'
import { requireRole } from './middlewares/access.middleware.js'
import { call } from './middlewares/call.middleware.js'

const base = t.procedure.use(call)

const accessFor = (role: UserRole) => base.meta({ access: role }).use(requireRole(role))

/*
 * Every procedure declares `.input(z.strictObject(…))` when it has an input, and always `.output(…)`: what a service
 * returns beyond it is dropped, so that a new column cannot leak. Subscriptions declare `.output(streamOf(…))`.
 */

/** Anybody; `ctx.actor` may be null. */
export const publicProcedure = base.meta({ access: 'public' })
/** Whoever is logged in: may look. */
export const authedProcedure = accessFor('viewer')
/** May run printers, jobs and files. */
export const operatorProcedure = accessFor('operator')
/** May change the farm itself. */
export const adminProcedure = accessFor('admin')
