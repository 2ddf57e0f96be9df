import { handleJob, type JobHandler, type Logger } from '../../kernel/index.js'
import type { CacheWarmer } from './cache-warmer.js'
import { cacheWarmup } from './cache-warmup.jobs.js'

/** To do it twice is only work. */
export const cacheWarmupHandler = (warmer: CacheWarmer, log: Logger): JobHandler<typeof cacheWarmup> =>
  handleJob(cacheWarmup, async ({ jobId, payload: { queries }, signal }) => {
    const unknown = queries.filter((name) => !warmer.knows(name))
    if (unknown.length > 0) log.warn({ jobId, unknown: unknown.slice(0, 10) }, 'nobody knows these queries')
    const names = queries.filter((name) => warmer.knows(name))
    await warmer.run(names.length === 0 ? null : names, signal)
  })
