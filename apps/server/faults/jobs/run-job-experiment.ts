import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'

import { eventually } from '../eventually.js'
import { clockTime } from '../progress.js'
import { SeededRandom } from '../random.js'
import { keepLogs, outcomeOf, type Bench } from '../run-experiment.js'
import type { JobExperiment } from './job-experiment.js'
import { JOB_COUNTS, judgeJobs, type JobFacts, type JobVerdict } from './job-verdict.js'
import { Orders } from './orders.js'
import { Workshop } from './workshop.js'

const SETTLE_MS = 180_000
const LOOK_MS = 200
/** Of one job, unless the experiment says otherwise. */
const TIMEOUT_MS = 4_000
/** The server waits for half a minute; what vanished is looked for sooner here, so that a run takes less. */
const LATE_MS = 3_000

/** How often handlers ran. */
export interface Runs {
  all: number
  /** Beyond the first of each job. */
  repeated: number
  /** That never came to their end. */
  cutOff: number
}

export interface JobResult {
  experiment: string
  passed: boolean
  /** What kept the run from saying anything. */
  invalid: string[]
  faults: Record<string, { ordered: number; struck: number }>
  jobs: number
  runs: Runs
  /** From the end of a fault to the first job that was done, in milliseconds. */
  recoveries: number[]
  seconds: number
  verdict: JobVerdict | null
}

type Report = Pick<JobResult, 'invalid' | 'recoveries' | 'runs' | 'jobs' | 'verdict'> & { struck: Map<string, number> }

/** Starts the workers, breaks things while they work, waits until every job is closed, and judges. */
export const runJobExperiment = async (experiment: JobExperiment, bench: Bench): Promise<JobResult> => {
  const began = performance.now()
  const { progress, kept } = bench
  const logs = join(bench.folder, experiment.name)
  await mkdir(logs, { recursive: true })
  const report: Report = {
    ...{ struck: new Map<string, number>(), invalid: [], recoveries: [], jobs: 0, verdict: null },
    runs: { all: 0, repeated: 0, cutOff: 0 },
  }
  progress.status(experiment.name, `${experiment.name}  ${clockTime(0)}  starting`)
  try {
    await withWorkshop(experiment, { ...bench, logs }, (workshop) => conduct(experiment, workshop, bench, report))
  } catch (error) {
    report.invalid.push(error instanceof Error ? (error.stack ?? error.message) : String(error))
  }
  const { struck, ...rest } = report
  const { invalid, faults } = outcomeOf(experiment.faults, struck, report.invalid)
  const passed = invalid.length === 0 && JOB_COUNTS.every((count) => report.verdict?.counts[count] === 0)
  if (!passed) await keepLogs(logs, join(kept, experiment.name))
  await rm(logs, { recursive: true, force: true, maxRetries: 5 })
  return {
    ...rest,
    ...{ experiment: experiment.name, passed, invalid, faults },
    seconds: (performance.now() - began) / 1_000,
  }
}

const withWorkshop = async (
  { backend, workers, timeoutMs = TIMEOUT_MS }: JobExperiment,
  place: Parameters<typeof Workshop.start>[1],
  work: (workshop: Workshop) => Promise<void>,
): Promise<void> => {
  const workshop = await Workshop.start({ backend, workers, timeoutMs, lateMs: LATE_MS }, place)
  try {
    await work(workshop)
  } finally {
    await workshop.stop()
  }
}

const conduct = async (
  experiment: JobExperiment,
  workshop: Workshop,
  { seed, progress }: Bench,
  report: Report,
): Promise<void> => {
  const random = new SeededRandom(seed, experiment.name)
  const { name, faults, jobs } = experiment
  await experiment.run({
    ...{ workshop, random, orders: new Orders(workshop.orderer, random.stream('orders'), jobs) },
    ordered: (fault) => faults[fault] ?? 0,
    struck: (fault, times = 1) => {
      report.struck.set(fault, (report.struck.get(fault) ?? 0) + times)
      progress.status(name, `${name}  ${[...report.struck].map(([what, count]) => `${count} ${what}`).join(', ')}`)
    },
    recovered: (ms) => report.recoveries.push(ms),
  })
  const closed = async () => {
    const [row] = await workshop.db.steadily<{ open: number }>(
      `SELECT count(*)::int AS open FROM outbox WHERE state NOT IN ('done', 'dead')`,
    )
    return row?.open === 0
  }
  try {
    await eventually('every job is closed', closed, { withinMs: SETTLE_MS, everyMs: LOOK_MS })
  } catch (error) {
    report.invalid.push(String(error))
  }
  // What still runs, for the second time, has its chance to do harm.
  await workshop.stopWorkers()
  const facts = await factsOf(workshop, report.recoveries)
  report.jobs = facts.orders.length
  report.runs = await runsOf(workshop)
  report.verdict = judgeJobs(facts)
}

const factsOf = async ({ db, workers }: Workshop, recoveries: number[]): Promise<JobFacts> => ({
  orders: await db.steadily(`SELECT n, job_id AS "jobId" FROM trial_order`),
  effects: await db.steadily(`SELECT n, job_id AS "jobId" FROM trial_effect`),
  rows: await db.steadily(`SELECT id, state::text AS state, last_error AS "lastError" FROM outbox`),
  recoveries,
  deaths: workers.flatMap(({ deaths }) => deaths),
})

const runsOf = async ({ db }: Workshop): Promise<Runs> => {
  const [runs] = await db.steadily<{ all: number; repeated: number; cutOff: number }>(
    `SELECT count(*)::int AS all, (count(*) - count(DISTINCT job_id))::int AS repeated,
       (count(*) FILTER (WHERE ended_at IS NULL))::int AS "cutOff" FROM trial_run`,
  )
  return runs ?? { all: 0, repeated: 0, cutOff: 0 }
}
