import {
  cacheStats,
  cacheStrategy,
  databaseHealth,
  logLevelState,
  setLogLevelInput,
  systemInfo,
  systemMetrics,
} from '@gantry/schemas'
import { z } from 'zod'

import { router } from '../trpc/init.js'
import { procedureFor } from '../trpc/procedures.js'

const tags = ['System']

export const systemRouter = router({
  info: procedureFor('system.info')
    .meta({ openapi: { method: 'GET', path: '/system', tags, summary: 'What this installation is' } })
    .output(systemInfo)
    .query(({ ctx }) => ctx.services.system.info(ctx.actor)),

  /** The cache of the instance that answers: what it holds, how often it was of use, and how Redis does. */
  cacheStats: procedureFor('system.read')
    .meta({ openapi: { method: 'GET', path: '/system/cache', tags, summary: 'How the cache of this instance does' } })
    .output(cacheStats)
    .query(({ ctx }) => ctx.services.system.cacheStats(ctx.actor)),

  /** On every instance, until it is started again; then `CACHE_STRATEGY` holds. */
  setCacheStrategy: procedureFor('system.manage')
    .meta({
      openapi: {
        ...{ method: 'PUT', path: '/system/cache/strategy', tags },
        summary: 'What becomes of cached answers that are no longer fresh',
      },
    })
    .input(z.strictObject({ strategy: cacheStrategy }))
    .output(z.void())
    .mutation(({ ctx, input }) => ctx.services.system.setCacheStrategy(ctx.actor, input.strategy)),

  logLevel: procedureFor('system.read')
    .meta({ openapi: { method: 'GET', path: '/system/log-level', tags, summary: 'What the server logs' } })
    .output(logLevelState)
    .query(({ ctx }) => ctx.services.system.logLevel(ctx.actor)),

  /** On every instance that runs now; each goes back to `LOG_LEVEL` by itself. */
  setLogLevel: procedureFor('system.manage')
    .meta({
      openapi: { method: 'PUT', path: '/system/log-level', tags, summary: 'Log more, or less, for some minutes' },
    })
    .input(setLogLevelInput)
    .output(logLevelState)
    .mutation(({ ctx, input }) => ctx.services.system.setLogLevel(ctx.actor, input)),

  databaseHealth: procedureFor('system.read')
    .meta({
      openapi: {
        ...{ method: 'GET', path: '/system/database', tags },
        summary: 'How this server reaches its database and the replicas of it',
      },
    })
    .output(databaseHealth)
    .query(({ ctx }) => ctx.services.system.databaseHealth(ctx.actor)),

  /** For people and scripts; over REST also for the bearer of the metrics token. Prometheus reads `/metrics`. */
  metrics: procedureFor('system.read')
    .meta({
      openapi: {
        ...{ method: 'GET', path: '/metrics', tags },
        summary: 'How fast this server answers, and how its cache, database, queues and farm do',
      },
    })
    .output(systemMetrics)
    .query(({ ctx }) => ctx.services.system.metrics(ctx.actor)),
})
