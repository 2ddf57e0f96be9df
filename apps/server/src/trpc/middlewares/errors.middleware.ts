import { gantryErrorOf, trpcErrorOf } from '../gantry-error-of.js'
import { t } from '../init.js'
import { logError } from '../log-error.js'

/** Turns anything thrown into an entry of the closed table, for HTTP and for `createCaller` alike, and logs it. */
export const errors = t.middleware(async ({ ctx, path, next }) => {
  const result = await next()
  if (result.ok) return result
  const error = gantryErrorOf(result.error)
  logError(ctx.log, error, { procedure: path })
  throw trpcErrorOf(error)
})
