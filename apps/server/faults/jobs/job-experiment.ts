import type { Faults } from '../experiment.js'
import type { SeededRandom } from '../random.js'
import type { Orders } from './orders.js'
import type { Workshop } from './workshop.js'

/** Where the queues are. */
export const JOB_BACKENDS = ['postgres', 'redis'] as const
export type JobBackend = (typeof JOB_BACKENDS)[number]

/** Running workers, for an experiment to break. */
export interface JobTrial {
  workshop: Workshop
  orders: Orders
  random: SeededRandom
  /** How often this fault is to strike. */
  ordered: (fault: string) => number
  struck: (fault: string, times?: number) => void
  /** Notes how long it took until jobs were done again, in milliseconds; it must not be longer than {@link RECOVERED_MS}. */
  recovered: (ms: number) => void
}

/** Links that died are given up, and work goes on, within this time. */
export const RECOVERED_MS = 30_000

export interface JobExperiment {
  name: string
  sentence: string
  backend: JobBackend
  workers: number
  /** Ordered in all. */
  jobs: number
  faults: Faults
  /** Of each job. @default 4000 */
  timeoutMs?: number
  /** Called when every worker works; orders, and returns when all faults have struck. */
  run: (trial: JobTrial) => Promise<void>
}

const NAMES = { postgres: 'PostgreSQL', redis: 'Redis' }

/** The same with the queues in PostgreSQL and in Redis. */
export const onBothBackends = (
  experiment: Omit<JobExperiment, 'backend' | 'run'> & { run: (trial: JobTrial, backend: JobBackend) => Promise<void> },
): JobExperiment[] =>
  JOB_BACKENDS.map((backend) => ({
    ...experiment,
    ...{ backend, name: `${experiment.name}-${backend}`, sentence: `${experiment.sentence} (${NAMES[backend]})` },
    run: (trial) => experiment.run(trial, backend),
  }))

/** The same with a share of the faults and of the jobs. */
export const scaledJobs = (experiment: JobExperiment, share: number): JobExperiment => {
  const some = (count: number) => Math.max(1, Math.round(count * share))
  const faults = Object.entries(experiment.faults).map(([fault, count]) => [fault, some(count)] as const)
  return { ...experiment, jobs: some(experiment.jobs), faults: Object.fromEntries(faults) }
}
