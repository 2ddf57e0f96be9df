import { join } from 'node:path'

import type { AnyExperiment } from './experiments/all.js'
import { SharedPostgres } from './farm/postgres.js'
import { runJobExperiment } from './jobs/run-job-experiment.js'
import { clockTime } from './progress.js'
import { failuresOf, type AnyResult } from './report.js'
import { runExperiment, type Bench } from './run-experiment.js'

/**
 * Runs the experiments, some at a time: much of each is waiting. Each lane has a PostgreSQL of its own, since one may be
 * stopped by an experiment. The results are in the order of the experiments.
 */
export const runInLanes = async (
  experiments: readonly AnyExperiment[],
  atOnce: number,
  bench: Omit<Bench, 'postgres'>,
): Promise<AnyResult[]> => {
  const waiting = [...experiments.entries()]
  const results: AnyResult[] = []
  const lane = async (_: unknown, number: number) => {
    const postgres = new SharedPostgres(join(bench.folder, `lane-${number}`))
    try {
      await postgres.start(bench.children)
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const [index, experiment] = next
        const result = await run(experiment, { ...bench, postgres })
        results[index] = result
        tell(result, bench)
      }
    } finally {
      await postgres.stop()
    }
  }
  const lanes = await Promise.allSettled(Array.from({ length: Math.min(atOnce, experiments.length) }, lane))
  for (const ended of lanes) if (ended.status === 'rejected') throw ended.reason
  return results
}

const run = (experiment: AnyExperiment, bench: Bench): Promise<AnyResult> =>
  'backend' in experiment ? runJobExperiment(experiment, bench) : runExperiment(experiment, bench)

const tell = (result: AnyResult, { progress }: Pick<Bench, 'progress'>): void => {
  progress.over(result.experiment)
  progress.line(`${result.passed ? '✓' : '✗'} ${result.experiment}  ${clockTime(result.seconds * 1_000)}`)
  for (const failure of failuresOf(result)) progress.line(`  ${failure}`)
}
