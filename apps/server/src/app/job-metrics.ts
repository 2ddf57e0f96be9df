import type { QueueStatistics } from '@gantry/schemas'

import { queueNameOf, type CallOff, type Logger, type Timers } from '../kernel/index.js'
import type { JobStatistics } from '../modules/jobs/job-statistics.js'
import type { Metrics } from '../observability/metrics.js'
import { jobCatalogue } from '../queues/job-catalogue.js'
import type { JobRun } from '../queues/job-meter.js'
import { counted, OF_ALL } from './counted.js'

const WAIT_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 3_600]
const RUN_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900]

/** What this process did, for `createJobs`. */
export const countRunsIn = (metrics: Metrics): ((run: JobRun) => void) => {
  const typeOf = new Map(jobCatalogue().definitions.map(({ type }) => [queueNameOf(type), type]))
  const runs = metrics.counter('gantry_jobs_total', 'Runs of jobs in this process, by how they ended.', [
    'type',
    'outcome',
  ])
  const waits = metrics.histogram(
    'gantry_job_wait_seconds',
    'Time from the moment a job was due to its begin.',
    ['type'],
    WAIT_BUCKETS,
  )
  const took = metrics.histogram('gantry_job_run_seconds', 'Time of one run of a job.', ['type'], RUN_BUCKETS)
  return ({ queue, outcome, waitedMs, tookMs }) => {
    const type = typeOf.get(queue) ?? queue
    runs.inc({ type, outcome })
    waits.observe({ type }, waitedMs / 1_000)
    took.observe({ type }, tookMs / 1_000)
  }
}

const GAUGES: Readonly<Record<string, readonly [help: string, read: (queue: QueueStatistics) => number]>> = {
  gantry_jobs_waiting: ['Jobs that are due and have not begun.', ({ waiting }) => waiting],
  gantry_jobs_active: ['Jobs that run now, in any process.', ({ active }) => active],
  gantry_jobs_delayed: ['Jobs that are not due yet.', ({ delayed }) => delayed],
  gantry_jobs_dead: ['Jobs that failed for good and wait for a person.', ({ failed }) => failed],
  gantry_jobs_oldest_age_seconds: [
    'How long the job that has been due longest has waited; 0 when none waits.',
    ({ oldestAgeSeconds }) => oldestAgeSeconds ?? 0,
  ],
  gantry_job_queue_paused: ['1 while people let the queue rest.', ({ paused }) => Number(paused)],
}

export interface QueueGaugesDeps {
  metrics: Metrics
  statistics: Pick<JobStatistics, 'read'>
  clock: Timers
  log: Logger
}

/** The installation's queues as gauges: the same from every process that shows them. */
export const showQueuesIn = ({ metrics, statistics, clock, log }: QueueGaugesDeps): { stop: CallOff } => {
  if (!metrics.enabled) return { stop: () => undefined }
  const { known, isFailing, stop } = counted({ what: 'the queues', count: () => statistics.read(), clock, log })
  for (const [name, [help, read]] of Object.entries(GAUGES)) {
    metrics.readings({
      ...{ type: 'gauge', name, help: `${help} ${OF_ALL}`, labelNames: ['queue'] },
      read: () =>
        Object.entries(known()?.data ?? {}).map(([queue, counts]) => ({ labels: { queue }, value: read(counts) })),
    })
  }
  metrics.readings({
    ...{ type: 'gauge', name: 'gantry_job_queues_reachable', labelNames: [] },
    help: `0 while Redis or PostgreSQL, which hold the queues and what they are of, do not answer. ${OF_ALL}`,
    read: () => {
      if (isFailing()) return [{ labels: {}, value: 0 }]
      const queues = known()
      return queues === null ? [] : [{ labels: {}, value: Number(queues.queueReachable) }]
    },
  })
  return { stop }
}
