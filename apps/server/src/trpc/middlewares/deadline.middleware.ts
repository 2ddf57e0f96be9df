import { t } from '../init.js'
import { unlessAborted } from '../unless-aborted.js'

/**
 * Answers when the context's signal aborts, even if the work does not listen to it. Subscriptions end by their stream.
 */
export const deadline = t.middleware(({ ctx, type, next }) =>
  type === 'subscription' ? next() : unlessAborted(next(), ctx.signal),
)
