import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'

import { machine } from '../bench/report.js'
import { COUNTS } from './checker/check.js'
import { clockTime } from './progress.js'
import type { ExperimentResult } from './run-experiment.js'

const HEADS = [
  'experiment',
  'faults',
  'copies',
  'starts',
  'time',
  ...COUNTS.map((_, index) => `${index + 1}`),
  'verdict',
]

const cells = (result: ExperimentResult): string[] => {
  const { experiment, faults, copies, starts, seconds, verdict, passed } = result
  const struck = Object.entries(faults).map(([name, count]) => `${count.struck} ${name}`)
  const counts = COUNTS.map((count) => (verdict === null ? '?' : String(verdict.counts[count])))
  const [time, word] = [clockTime(seconds * 1_000), passed ? 'ok' : 'FAILED']
  return [experiment, struck.join(', '), String(copies), String(starts), time, ...counts, word]
}

/** One line per experiment; the numbered columns are explained below. */
export const tableOf = (results: readonly ExperimentResult[]): string => {
  const rows = [HEADS, ...results.map(cells)]
  const widths = HEADS.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)))
  const line = (row: readonly string[]) =>
    `  ${row.map((cell, column) => (column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join('  ')}`
  const [head = '', ...body] = rows.map(line)
  const rule = `  ${'─'.repeat(head.length - 2)}`
  const legend = COUNTS.map((count, index) => `  ${index + 1}  ${count}`)
  return ['', head, rule, ...body, rule, ...legend, ''].join('\n')
}

const SHOWN = 5

/** Why it failed, in sentences; the report has all of them. */
export const failuresOf = ({ experiment, invalid, verdict }: ExperimentResult): string[] => {
  const violated = Object.entries(verdict?.violations ?? {}).flatMap(([count, sentences]) => [
    `${experiment}: ${count}: ${sentences.length}`,
    ...sentences.slice(0, SHOWN).map((sentence) => `    ${sentence}`),
  ])
  return [...invalid.map((why) => `${experiment}: ${why}`), ...violated]
}

export const writeReport = async (file: string, seed: string, results: readonly ExperimentResult[]): Promise<void> => {
  await mkdir(dirname(file), { recursive: true })
  const passed = results.every((result) => result.passed)
  await writeFile(file, `${JSON.stringify({ seed, at: new Date(), passed, machine: machine(), results }, null, 2)}\n`)
}
