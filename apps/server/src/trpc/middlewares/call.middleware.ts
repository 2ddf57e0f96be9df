import { correlated, correlation, type Correlation } from '../../kernel/correlation.js'
import { Excerpt } from '../../kernel/excerpt.js'
import type { Context } from '../context.js'
import { gantryErrorOf, trpcErrorOf } from '../gantry-error-of.js'
import { t } from '../init.js'
import { logError } from '../log-error.js'

/**
 * The outermost middleware, around every call: the deadline, one table of errors, the measurement, the span, and the
 * procedure's name in whatever is logged meanwhile. All in one, since every level of middleware costs a copy of the
 * call and several promises. Streams end by themselves; of them only the beginning is measured.
 */
export const call = t.middleware(async ({ ctx, path, type, getRawInput, next }) => {
  const began = performance.now()
  const part = partOf(correlation(), path)
  const finish = (code: string) =>
    ctx.procedureFinished({ procedure: path, type, code, durationSeconds: (performance.now() - began) / 1_000 })
  // Answered when the caller is gone, even if the work does not listen.
  const run = () => (type === 'subscription' ? next() : ctx.unlessAborted(next()))
  try {
    const result = await (part === null ? run() : correlated(part, run))
    if (!result.ok) throw result.error
    if (ctx.log.isEnabled('debug')) await showBodies(ctx, path, getRawInput, type === 'subscription' ? null : result)
    part?.span?.end()
    finish('OK')
    return result
  } catch (thrown) {
    // For HTTP and for `createCaller` alike.
    const error = gantryErrorOf(thrown)
    if (ctx.log.isEnabled('debug')) await showBodies(ctx, path, getRawInput, null)
    logError(ctx.log, error, { procedure: path })
    part?.span?.end(error)
    finish(error.code)
    throw trpcErrorOf(error)
  }
})

/** Null when all is said by what is known already: the only call of a request that is not traced. */
const partOf = (current: Correlation | undefined, path: string): Correlation | null => {
  if (current === undefined || (current.span === null && current.fields['procedure'] === path)) return null
  const span = current.span?.child(path, 'internal', { 'rpc.system': 'trpc', 'rpc.method': path }) ?? null
  return { ...current, fields: { ...current.fields, procedure: path }, span }
}

/** What goes in and out of these are passwords and codes, of which `code` cannot be told by its name from that of an error. */
const PRIVATE = /^(?:auth|secondFactor)\./

/** One-time and recovery codes come beside passwords elsewhere, too. */
const withoutCode = (input: unknown): unknown =>
  typeof input === 'object' && input !== null && 'code' in input ? { ...input, code: '[redacted]' } : input

/**
 * What went in and what came out: the beginnings, without secrets. Contents of files never come by here; what a stream
 * yields is not shown.
 */
const showBodies = async (
  { log }: Context,
  procedure: string,
  getRawInput: () => Promise<unknown>,
  result: { data: unknown } | null,
): Promise<void> => {
  if (PRIVATE.test(procedure)) {
    log.debug({ procedure }, 'what went in and out is not shown')
    return
  }
  const input = withoutCode(await getRawInput().catch(() => 'unreadable'))
  const output = result === null ? {} : { output: new Excerpt(result.data) }
  log.debug({ procedure, input: new Excerpt(input), ...output }, 'what went in and out')
}
