import {
  apiStatistics,
  apiStatisticsInput,
  filamentStatistics,
  filamentStatisticsInput,
  printerStatistics,
  printerStatisticsInput,
  printStatistics,
  printStatisticsInput,
  userActivityInput,
  userActivityStatistics,
} from '@gantry/schemas'

import { router } from '../trpc/init.js'
import { procedureFor } from '../trpc/procedures.js'

const tags = ['Statistics']

/** By hour (in UTC) or by day (in the installation's time zone), as of the last roll-up: some minutes ago at most. */
export const statisticsRouter = router({
  prints: procedureFor('statistics.read')
    .meta({
      openapi: { method: 'GET', path: '/statistics/prints', tags, summary: 'Attempts by outcome, and print seconds' },
    })
    .input(printStatisticsInput)
    .output(printStatistics)
    .query(({ ctx, input }) => ctx.services.statistics.prints(ctx.actor, input)),

  printers: procedureFor('statistics.read')
    .meta({ openapi: { method: 'GET', path: '/statistics/printers', tags, summary: 'Time of printers by state' } })
    .input(printerStatisticsInput)
    .output(printerStatistics)
    .query(({ ctx, input }) => ctx.services.statistics.printers(ctx.actor, input)),

  filament: procedureFor('statistics.read')
    .meta({ openapi: { method: 'GET', path: '/statistics/filament', tags, summary: 'Filament used, by material' } })
    .input(filamentStatisticsInput)
    .output(filamentStatistics)
    .query(({ ctx, input }) => ctx.services.statistics.filament(ctx.actor, input)),

  /** Of all callers together: who called is not counted. */
  api: procedureFor('statistics.api')
    .meta({ openapi: { method: 'GET', path: '/statistics/api', tags, summary: 'Calls and errors of the API' } })
    .input(apiStatisticsInput)
    .output(apiStatistics)
    .query(({ ctx, input }) => ctx.services.statistics.api(ctx.actor, input)),

  /** Days and events of one user; empty for who opted out. */
  userActivity: procedureFor('users.read')
    .meta({
      openapi: { method: 'GET', path: '/statistics/users/{userId}', tags, summary: 'What a user did, by day' },
    })
    .input(userActivityInput)
    .output(userActivityStatistics)
    .query(({ ctx, input }) => ctx.services.statistics.userActivity(ctx.actor, input)),
})
