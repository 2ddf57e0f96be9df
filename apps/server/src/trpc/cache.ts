import { middlewareMarker } from '@trpc/server/unstable-core-do-not-import'

import { inputHash } from '../kernel/input-hash.js'
import { dataOf } from './answers.js'
import type { CacheRule } from './cache-rule.js'
import { t } from './init.js'

/**
 * A batch of which one answer is gone makes those anew too that have no more than this share of their time left: else
 * each expires by itself, and each time the whole batch goes the long way.
 */
const EXPIRING_SHARE = 0.25

/**
 * Keeps the successful answers of a query: `.input(…).concat(cache({ … })).output(…)`. It stands behind the access level
 * and the input, so that nothing is kept or given that was not allowed and parsed, and before the output, so that what
 * is kept is what may be sent. The same for HTTP, REST and `createCaller`.
 */
export const cache = (rule: CacheRule) =>
  t.procedure.meta({ cache: rule }).use(async ({ ctx, path, type, input, batchIndex, next }) => {
    const { answers } = ctx
    if (answers === null || type !== 'query') return next()
    const hash = inputHash(input)
    let own = null as Awaited<ReturnType<typeof next>> | null
    const minFresh = ctx.inBatch === true ? rule.ttl * EXPIRING_SHARE : 0
    const key = answers.keyOf(path, hash, rule, ctx.actor)
    const bytes = await answers.getOrMake(key, { ...rule, minFresh }, async ({ invalidatedAtMs }) => {
      // Others get it too, who may have written what it must show.
      own = await next({ ctx: { actor: ctx.actor && { ...ctx.actor, readsAsOfMs: invalidatedAtMs } } })
      if (!own.ok) throw own.error
      return own.data
    })
    ctx.inputParsed?.(batchIndex, hash)
    return own ?? { ok: true, data: dataOf(bytes), marker: middlewareMarker, ctx }
  })
