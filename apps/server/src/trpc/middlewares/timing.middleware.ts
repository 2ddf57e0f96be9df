import { correlated, correlation } from '../../kernel/correlation.js'
import { gantryErrorOf } from '../gantry-error-of.js'
import { t } from '../init.js'

/**
 * Reports every call with its duration and outcome, and names the procedure in every line of the log and the span of
 * whatever it does; the outermost middleware.
 */
export const timing = t.middleware(async ({ ctx, path, type, next }) => {
  const began = performance.now()
  const current = correlation()
  const span = current?.span?.child(path, 'internal', { 'rpc.system': 'trpc', 'rpc.method': path }) ?? null
  const named = current && { ...current, fields: { ...current.fields, procedure: path }, span }
  const result = await (named === undefined ? next() : correlated(named, next))
  const error = result.ok ? null : gantryErrorOf(result.error)
  span?.end(error ?? undefined)
  ctx.procedureFinished({
    procedure: path,
    type,
    code: error?.code ?? 'OK',
    durationSeconds: (performance.now() - began) / 1_000,
  })
  return result
})
