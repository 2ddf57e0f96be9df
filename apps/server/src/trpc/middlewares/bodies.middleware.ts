import { Excerpt } from '../../kernel/excerpt.js'
import { t } from '../init.js'

/**
 * What went in and what came out, in the log when it is as loud as that: the beginnings, without secrets. Contents of
 * files never come by here; what a stream yields is not shown.
 */
export const bodies = t.middleware(async ({ ctx, path, type, getRawInput, next }) => {
  if (!ctx.log.isEnabled('debug')) return next()
  const input = await getRawInput().catch(() => 'unreadable')
  const result = await next()
  const output = result.ok && type !== 'subscription' ? { output: new Excerpt(result.data) } : {}
  ctx.log.debug({ procedure: path, input: new Excerpt(input), ...output }, 'what went in and out')
  return result
})
