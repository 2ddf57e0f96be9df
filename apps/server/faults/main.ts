/** The fault bench of docs/reference/safety.md: `npm run test:faults -- [--seed N] [--exp NAME]…`. */
import { chmod, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'

import { scaled } from './experiment.js'
import { EXPERIMENTS, type AnyExperiment } from './experiments/all.js'
import { Children } from './farm/children.js'
import { scaledJobs } from './jobs/job-experiment.js'
import { runInLanes } from './lanes.js'
import { Progress } from './progress.js'
import { tablesOf, writeReport, type AnyResult } from './report.js'

const list = EXPERIMENTS.map(({ name, sentence }) => `    ${name.padEnd(24)} ${sentence}`).join('\n')
const USAGE = `Usage: npm run test:faults [-- --seed N] [--exp NAME]… [--at-once N] [--share X] [--json FILE]
  --seed N      faults and their moments are drawn from it  (default 1)
  --exp NAME    one of these, and may be given several times (default all)
${list}
  --at-once N   experiments that run at a time  (default 2)
  --share X     this share of the faults, copies and jobs  (default: all jobs, and two fifths of the others)
  --json FILE   where the report goes  (default fault-results/<time>.json)

  Exit code 0: every count is zero, every fault struck as often as ordered, and every copy and every job came to its end.
`

class UsageError extends Error {}

const chosen = (names: readonly string[]): readonly AnyExperiment[] => {
  const unknown = names.find((name) => !EXPERIMENTS.some((experiment) => experiment.name === name))
  if (unknown !== undefined) throw new UsageError(`There is no experiment "${unknown}".\n\n${USAGE}`)
  return names.length === 0 ? EXPERIMENTS : EXPERIMENTS.filter(({ name }) => names.includes(name))
}

/** So that two slow cores are done within half an hour; `--share 1` has everything. */
const SHARES = { jobs: 1, printing: 0.4 }

const shareOf = (experiment: AnyExperiment, share: number | null): AnyExperiment =>
  'backend' in experiment ? scaledJobs(experiment, share ?? SHARES.jobs) : scaled(experiment, share ?? SHARES.printing)

const shareIn = (text: string): number => {
  const share = Number(text)
  if (share > 0 && share <= 1) return share
  throw new UsageError(`--share must be a number above 0, and 1 at most.`)
}

const atOnceIn = (text: string): number => {
  const atOnce = Number(text)
  if (Number.isInteger(atOnce) && atOnce > 0) return atOnce
  throw new UsageError('--at-once must be a whole number above 0.')
}

interface Order {
  experiments: readonly AnyExperiment[]
  seed: string
  atOnce: number
  /** Where logs of what failed go. */
  kept: string
}

const runAll = async ({ experiments, seed, atOnce, kept }: Order): Promise<AnyResult[]> => {
  const progress = new Progress(process.stderr)
  const folder = await mkdtemp(join(tmpdir(), 'gantry-faults-'))
  await chmod(folder, 0o755) // the database's own user must get through when root runs this
  const children = new Children(folder)
  try {
    return await runInLanes(experiments, atOnce, { seed, folder, kept, children, progress })
  } finally {
    await children.end()
  }
}

const main = async (): Promise<boolean> => {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: '1' },
      exp: { type: 'string', multiple: true, default: [] },
      json: { type: 'string' },
      share: { type: 'string' },
      'at-once': { type: 'string', default: '2' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(USAGE)
    return true
  }
  const file = resolve(values.json ?? `fault-results/${new Date().toISOString().replace(/[:.]/g, '-')}.json`)
  const share = values.share === undefined ? null : shareIn(values.share)
  const results = await runAll({
    experiments: chosen(values.exp).map((experiment) => shareOf(experiment, share)),
    seed: values.seed,
    atOnce: atOnceIn(values['at-once']),
    kept: file.replace(/\.json$/, ''),
  })
  await writeReport(file, values.seed, results)
  process.stdout.write(tablesOf(results))
  process.stdout.write(`  Seed ${values.seed}; written to ${file}\n`)
  return results.length > 0 && results.every(({ passed }) => passed)
}

try {
  process.exitCode = (await main()) ? 0 : 1
} catch (error) {
  process.stderr.write(`The fault bench failed: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
