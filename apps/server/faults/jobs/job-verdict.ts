import { RECOVERED_MS } from './job-experiment.js'

/** What must be zero after every experiment on jobs, in the order of the table. */
export const JOB_COUNTS = [
  'jobs lost',
  'effects doubled',
  'effects that nobody ordered',
  'jobs not closed',
  'recoveries too slow',
  'workers that ended by themselves',
] as const
export type JobCountName = (typeof JOB_COUNTS)[number]

export interface JobFacts {
  /** What the bench ordered in transactions that were committed. */
  orders: readonly { n: number; jobId: string }[]
  /** What handlers did, in the transactions that finished their jobs. */
  effects: readonly { n: number; jobId: string }[]
  /** Rows of the outbox. */
  rows: readonly { id: string; state: string; lastError: string | null }[]
  /** From the end of a fault to the first job that was done, in milliseconds. */
  recoveries: readonly number[]
  /** What workers said when they ended although nobody had asked them to. */
  deaths: readonly string[]
}

export interface JobVerdict {
  counts: Record<JobCountName, number>
  /** Sentences, by count. */
  violations: Partial<Record<JobCountName, string[]>>
}

const CHECKS: Record<JobCountName, (facts: JobFacts) => string[]> = {
  'jobs lost': ({ orders, effects, rows }) => {
    const [done, kept] = [new Set(effects.map(({ jobId }) => jobId)), new Set(rows.map(({ id }) => id))]
    return orders.flatMap(({ n, jobId }) => {
      if (!kept.has(jobId)) return [`order ${n} has no row`]
      return done.has(jobId) ? [] : [`order ${n} had no effect`]
    })
  },
  'effects doubled': ({ effects }) => {
    const seen = new Set<number>()
    return effects.flatMap(({ n }) => (seen.has(n) ? [`order ${n} had another effect`] : (seen.add(n), [])))
  },
  'effects that nobody ordered': ({ orders, effects }) => {
    const ordered = new Set(orders.map(({ jobId }) => jobId))
    return effects.filter(({ jobId }) => !ordered.has(jobId)).map(({ n, jobId }) => `${jobId} did ${n}`)
  },
  'jobs not closed': ({ rows }) =>
    rows
      .filter(({ state }) => state !== 'done')
      .map(({ id, state, lastError }) => `${id} is ${state}: ${lastError ?? 'no error'}`),
  'recoveries too slow': ({ recoveries }) =>
    recoveries.filter((ms) => ms > RECOVERED_MS).map((ms) => `no job was done for ${Math.round(ms / 1_000)} s`),
  'workers that ended by themselves': ({ deaths }) => [...deaths],
}

export const judgeJobs = (facts: JobFacts): JobVerdict => {
  const found = JOB_COUNTS.map((count) => [count, CHECKS[count](facts)] as const)
  return {
    counts: Object.fromEntries(found.map(([count, sentences]) => [count, sentences.length])) as JobVerdict['counts'],
    violations: Object.fromEntries(found.filter(([, sentences]) => sentences.length > 0)),
  }
}
