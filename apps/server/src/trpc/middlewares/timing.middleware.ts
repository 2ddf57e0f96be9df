import { gantryErrorOf } from '../gantry-error-of.js'
import { t } from '../init.js'

/** Reports every call with its duration and outcome; the outermost middleware. */
export const timing = t.middleware(async ({ ctx, path, type, next }) => {
  const began = performance.now()
  const result = await next()
  ctx.procedureFinished({
    procedure: path,
    type,
    code: result.ok ? 'OK' : gantryErrorOf(result.error).code,
    durationSeconds: (performance.now() - began) / 1_000,
  })
  return result
})
