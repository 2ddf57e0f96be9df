import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'

import { machine } from '../bench/report.js'
import { COUNTS } from './checker/check.js'
import { JOB_COUNTS } from './jobs/job-verdict.js'
import type { JobResult } from './jobs/run-job-experiment.js'
import { clockTime } from './progress.js'
import type { ExperimentResult } from './run-experiment.js'

export type AnyResult = ExperimentResult | JobResult

interface Table {
  heads: readonly string[]
  /** What the numbered columns count. */
  counts: readonly string[]
  rows: readonly (readonly string[])[]
}

const columns = (counts: readonly string[]) => counts.map((_, index) => `${index + 1}`)

const struckIn = ({ faults }: AnyResult) =>
  Object.entries(faults)
    .map(([name, { struck }]) => `${struck} ${name}`)
    .join(', ')

const ending = <C extends string>(
  { seconds, passed, verdict }: { seconds: number; passed: boolean; verdict: { counts: Record<C, number> } | null },
  counts: readonly C[],
) => [
  clockTime(seconds * 1_000),
  ...counts.map((count) => (verdict === null ? '?' : String(verdict.counts[count]))),
  passed ? 'ok' : 'FAILED',
]

const onFarms = (results: readonly ExperimentResult[]): Table => ({
  heads: ['experiment', 'faults', 'copies', 'starts', 'time', ...columns(COUNTS), 'verdict'],
  counts: COUNTS,
  rows: results.map((result) => {
    const { experiment, copies, starts } = result
    return [experiment, struckIn(result), String(copies), String(starts), ...ending(result, COUNTS)]
  }),
})

const slowest = (recoveries: readonly number[]): string =>
  recoveries.length === 0 ? '' : `${(Math.max(...recoveries) / 1_000).toFixed(1)} s`

const onJobs = (results: readonly JobResult[]): Table => ({
  heads: [
    ...['experiment', 'faults', 'jobs', 'runs', 'repeated', 'cut off', 'back after', 'time'],
    ...[...columns(JOB_COUNTS), 'verdict'],
  ],
  counts: JOB_COUNTS,
  rows: results.map((result) => {
    const { experiment, jobs, runs, recoveries } = result
    const numbers = [jobs, runs.all, runs.repeated, runs.cutOff].map(String)
    return [experiment, struckIn(result), ...numbers, slowest(recoveries), ...ending(result, JOB_COUNTS)]
  }),
})

/** One line per experiment; the numbered columns are explained below. */
const tableOf = ({ heads, counts, rows }: Table): string => {
  if (rows.length === 0) return ''
  const lines = [heads, ...rows]
  const widths = heads.map((_, column) => Math.max(...lines.map((row) => (row[column] ?? '').length)))
  const line = (row: readonly string[]) =>
    `  ${row.map((cell, column) => (column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join('  ')}`
  const [head = '', ...body] = lines.map(line)
  const rule = `  ${'─'.repeat(head.length - 2)}`
  const legend = counts.map((count, index) => `  ${index + 1}  ${count}`)
  return ['', head, rule, ...body, rule, ...legend, ''].join('\n')
}

export const tablesOf = (results: readonly AnyResult[]): string =>
  tableOf(onFarms(results.filter((result) => 'copies' in result))) +
  tableOf(onJobs(results.filter((result) => 'jobs' in result)))

const SHOWN = 5

/** Why it failed, in sentences; the report has all of them. */
export const failuresOf = ({ experiment, invalid, verdict }: AnyResult): string[] => {
  const violated = Object.entries(verdict?.violations ?? {}).flatMap(([count, sentences]) => [
    `${experiment}: ${count}: ${sentences.length}`,
    ...sentences.slice(0, SHOWN).map((sentence) => `    ${sentence}`),
  ])
  return [...invalid.map((why) => `${experiment}: ${why}`), ...violated]
}

export const writeReport = async (file: string, seed: string, results: readonly AnyResult[]): Promise<void> => {
  await mkdir(dirname(file), { recursive: true })
  const passed = results.every((result) => result.passed)
  await writeFile(file, `${JSON.stringify({ seed, at: new Date(), passed, machine: machine(), results }, null, 2)}\n`)
}
