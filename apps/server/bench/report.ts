import { execFileSync } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { cpus, loadavg, totalmem } from 'node:os'

/** One line of a bench's table: what was measured, its value with unit, and what is asked of it, if anything. */
export interface Row {
  what: string
  value: string
  note?: string
}

export interface BenchResult {
  name: string
  title: string
  rows: Row[]
  /** Everything that was measured, for programs. */
  data: unknown
}

export interface BenchOptions {
  /** Short rounds: shows that the bench works, not how fast the server is. */
  quick: boolean
  progress: (text: string) => void
}

export interface Bench {
  name: string
  run: (options: BenchOptions) => Promise<BenchResult>
}

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? (sorted[middle] ?? NaN) : ((sorted[middle - 1] ?? NaN) + (sorted[middle] ?? NaN)) / 2
}

/** The value that this share of all does not exceed. */
export const percentile = (values: readonly number[], share: number): number => {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? NaN
}

export const range = (values: readonly number[], decimals = 2): string =>
  `${Math.min(...values).toFixed(decimals)} to ${Math.max(...values).toFixed(decimals)}`

export const mebibytes = (bytes: number): string => `${(bytes / 1024 / 1024).toFixed(0)} MiB`

/** A table for the terminal, as wide as its content. */
export const tableOf = ({ title, rows }: BenchResult): string => {
  const width = (cell: (row: Row) => string) => Math.max(...rows.map((row) => cell(row).length))
  const [what, value] = [width((row) => row.what), width((row) => row.value)]
  const lines = rows.map((row) =>
    `  ${row.what.padEnd(what)}   ${row.value.padStart(value)}   ${row.note ?? ''}`.trimEnd(),
  )
  const rule = `  ${'─'.repeat(Math.max(...lines.map((line) => line.length)) - 2)}`
  return `\n  ${title}\n${[rule, ...lines, rule].join('\n')}\n`
}

/** The machine as it is now; a high load means that others use it as well. */
export const machine = () => ({
  cores: cpus().length,
  cpu: cpus()[0]?.model ?? 'unknown',
  memoryBytes: totalmem(),
  node: process.version,
  platform: `${process.platform} ${process.arch}`,
  loadAverage: loadavg(),
})

const commit = (): string | null => {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()
  } catch {
    // An unpacked archive has no history.
    return null
  }
}

/** Writes the results below `bench-results/` where the command was started; returns the path. */
export const writeResults = async (at: Date, quick: boolean, benches: readonly BenchResult[]): Promise<string> => {
  await mkdir('bench-results', { recursive: true })
  const path = `bench-results/${at.toISOString().replace(/[:.]/g, '-')}.json`
  const content = { at, commit: commit(), quick, machine: machine(), benches }
  await writeFile(path, `${JSON.stringify(content, null, 2)}\n`)
  return path
}
