import { handleJob, type JobHandler } from '../../kernel/index.js'
import { userAnalytics } from './statistics.jobs.js'
import type { UserAnalytics } from './user-analytics.js'

export const userAnalyticsHandler = (analytics: UserAnalytics): JobHandler<typeof userAnalytics> =>
  handleJob(userAnalytics, ({ jobId, payload: { one }, signal }) =>
    one === null ? analytics.countNew(signal) : analytics.countOne(jobId, one),
  )
