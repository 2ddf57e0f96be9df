import { copyFile, mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'

import { COUNTS } from './checker/check.js'
import type { Verdict } from './checker/verdict.js'
import { conductTrial, type TrialReport } from './conduct-trial.js'
import type { Experiment, Faults } from './experiment.js'
import type { Children } from './farm/children.js'
import { Farm } from './farm/farm.js'
import type { SharedPostgres } from './farm/postgres.js'
import { clockTime, type Progress } from './progress.js'

export interface Bench {
  seed: string
  folder: string
  /** Logs of experiments that failed are kept here. */
  kept: string
  children: Children
  postgres: SharedPostgres
  progress: Progress
}

export interface ExperimentResult {
  experiment: string
  passed: boolean
  /** What kept the run from saying anything, such as faults that did not strike. */
  invalid: string[]
  faults: Record<string, { ordered: number; struck: number }>
  copies: number
  starts: number
  seconds: number
  verdict: Verdict | null
}

/** Builds the installation, runs the experiment on it, and takes it down again, whatever happens. */
export const runExperiment = async (experiment: Experiment, bench: Bench): Promise<ExperimentResult> => {
  const began = performance.now()
  const { progress, seed, kept } = bench
  const folder = join(bench.folder, experiment.name)
  const logs = join(folder, 'logs')
  await mkdir(logs, { recursive: true })
  const report: TrialReport = { struck: new Map(), invalid: [], copies: 0, starts: 0, verdict: null }
  const say = (text: string) =>
    progress.status(experiment.name, `${experiment.name}  ${clockTime(performance.now() - began)}  ${text}`)
  let farm: Farm | null = null
  try {
    say('starting')
    farm = await Farm.start(experiment.farm, { ...bench, folder, logs })
    await conductTrial(experiment, farm, seed, say, report)
  } catch (error) {
    report.invalid.push(error instanceof Error ? (error.stack ?? error.message) : String(error))
  }
  try {
    await farm?.stop()
  } catch (error) {
    report.invalid.push(`the farm did not stop: ${String(error)}`)
  }
  const result = resultOf(experiment, report, (performance.now() - began) / 1_000)
  if (!result.passed) await keepLogs(logs, join(kept, experiment.name))
  await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  return result
}

/** A run passes when it shows what it was to show: all faults struck, and every count is as it has to be. */
export const resultOf = (
  { name, faults: ordered, mustFind = [] }: Experiment,
  { struck, invalid, copies, starts, verdict }: TrialReport,
  seconds: number,
): ExperimentResult => {
  const isAsItMust = (count: (typeof COUNTS)[number]) =>
    verdict !== null && (mustFind.includes(count) ? verdict.counts[count] > 0 : verdict.counts[count] === 0)
  const unfound = mustFind.filter((count) => !isAsItMust(count)).map((count) => `the checker did not see: ${count}`)
  const outcome = outcomeOf(ordered, struck, invalid)
  const why = [...outcome.invalid, ...unfound]
  return {
    experiment: name,
    passed: why.length === 0 && COUNTS.every(isAsItMust),
    invalid: why,
    faults: outcome.faults,
    ...{ copies, starts, seconds, verdict },
  }
}

/** How often each fault struck, and what keeps the run from saying anything: also that one did so too seldom. */
export const outcomeOf = (
  ordered: Faults,
  struck: ReadonlyMap<string, number>,
  invalid: readonly string[],
): Pick<ExperimentResult, 'faults' | 'invalid'> => {
  const faults = Object.entries(ordered).map(
    ([fault, count]) => [fault, { ordered: count, struck: struck.get(fault) ?? 0 }] as const,
  )
  const missed = faults
    .filter(([, count]) => count.struck < count.ordered)
    .map(([fault, count]) => `${fault}: ${count.struck} of ${count.ordered}, so the run says nothing`)
  return { faults: Object.fromEntries(faults), invalid: [...invalid, ...missed] }
}

export const keepLogs = async (logs: string, kept: string): Promise<void> => {
  await mkdir(kept, { recursive: true })
  for (const name of await readdir(logs)) await copyFile(join(logs, name), join(kept, name))
}
