import { handleJob, type JobHandler, type Logger } from '../../kernel/index.js'
import type { RollUp } from './roll-up.js'
import { metricsAggregation } from './statistics.jobs.js'
import { FIGURES } from './statistics.ports.js'

/** To do it twice gives the same rows, so that it needs no mark that it was done. */
export const metricsAggregationHandler = (rollUp: RollUp, log: Logger): JobHandler<typeof metricsAggregation> =>
  handleJob(metricsAggregation, async ({ jobId, payload: { figures, hours }, signal }) => {
    const unknown = figures.filter((name) => !(FIGURES as readonly string[]).includes(name))
    if (unknown.length > 0) log.warn({ jobId, unknown: unknown.slice(0, 10) }, 'nobody knows these figures')
    await rollUp.run(
      FIGURES.filter((figure) => figures.includes(figure)),
      hours,
      signal,
    )
  })
