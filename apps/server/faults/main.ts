/** The fault bench of docs/reference/safety.md: `npm run test:faults -- [--seed N] [--exp NAME]…`. */
import { chmod, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'

import { scaled, type Experiment } from './experiment.js'
import { EXPERIMENTS } from './experiments/all.js'
import { Children } from './farm/children.js'
import { SharedPostgres } from './farm/postgres.js'
import { clockTime, Progress } from './progress.js'
import { failuresOf, tableOf, writeReport } from './report.js'
import { runExperiment, type ExperimentResult } from './run-experiment.js'

const list = EXPERIMENTS.map(({ name, sentence }) => `    ${name.padEnd(24)} ${sentence}`).join('\n')
const USAGE = `Usage: npm run test:faults [-- --seed N] [--exp NAME]… [--json FILE] [--share X]
  --seed N      faults and their moments are drawn from it  (default 1)
  --exp NAME    one of these, and may be given several times (default all)
${list}
  --json FILE   where the report goes (default fault-results/<time>.json)
  --share X     only this share of the faults and copies, for a look (default 1)

  Exit code 0: every count is zero, every fault struck as often as ordered, and every copy came to its end.
`

class UsageError extends Error {}

const chosen = (names: readonly string[]): readonly Experiment[] => {
  const unknown = names.find((name) => !EXPERIMENTS.some((experiment) => experiment.name === name))
  if (unknown !== undefined) throw new UsageError(`There is no experiment "${unknown}".\n\n${USAGE}`)
  return names.length === 0 ? EXPERIMENTS : EXPERIMENTS.filter(({ name }) => names.includes(name))
}

const shareIn = (text: string): number => {
  const share = Number(text)
  if (share > 0 && share <= 1) return share
  throw new UsageError(`--share must be a number above 0, and 1 at most.`)
}

const runAll = async (experiments: readonly Experiment[], seed: string, kept: string): Promise<ExperimentResult[]> => {
  const progress = new Progress(process.stderr)
  const folder = await mkdtemp(join(tmpdir(), 'gantry-faults-'))
  await chmod(folder, 0o755) // the database's own user must get through when root runs this
  const children = new Children(folder)
  const postgres = new SharedPostgres(join(folder, 'shared'))
  const results: ExperimentResult[] = []
  try {
    await postgres.start(children)
    for (const experiment of experiments) {
      const result = await runExperiment(experiment, { seed, folder, kept, children, postgres, progress })
      results.push(result)
      progress.line(`${result.passed ? '✓' : '✗'} ${experiment.name}  ${clockTime(result.seconds * 1_000)}`)
      for (const failure of failuresOf(result)) progress.line(`  ${failure}`)
    }
  } finally {
    await postgres.stop()
    await children.end()
  }
  return results
}

const main = async (): Promise<boolean> => {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: '1' },
      exp: { type: 'string', multiple: true, default: [] },
      json: { type: 'string' },
      share: { type: 'string', default: '1' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(USAGE)
    return true
  }
  const file = resolve(values.json ?? `fault-results/${new Date().toISOString().replace(/[:.]/g, '-')}.json`)
  const results = await runAll(
    chosen(values.exp).map((experiment) => scaled(experiment, shareIn(values.share))),
    values.seed,
    file.replace(/\.json$/, ''),
  )
  await writeReport(file, values.seed, results)
  process.stdout.write(tableOf(results))
  process.stdout.write(`  Seed ${values.seed}; written to ${file}\n`)
  return results.length > 0 && results.every(({ passed }) => passed)
}

try {
  process.exitCode = (await main()) ? 0 : 1
} catch (error) {
  process.stderr.write(`The fault bench failed: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
