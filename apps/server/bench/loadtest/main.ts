/** What a realistic mix of requests costs, before and after answers are kept, or at a running server: `npm run loadtest`. */
import { loadavg } from 'node:os'

import { compare } from './compare.js'
import { FARM } from './farm.js'
import { readOptions, USAGE, UsageError, type Options } from './options.js'
import { measureRunning } from './running.js'
import { comparisonTable, failureSentence, singleTable } from './table.js'

const NAMES = ['CACHE_ANSWERS=false', 'CACHE_ANSWERS=true'] as const

const progress = (text: string) => process.stderr.write(`  loadtest: ${text}\n`)
const machineLoad = () => `load average of this machine before: ${loadavg()[0]?.toFixed(1) ?? '?'}`

/** @returns what failed */
const runComparison = async (options: Options, signal: AbortSignal): Promise<(string | null)[]> => {
  const load = machineLoad()
  const compared = await compare(options, progress, signal)
  const { printers, jobs, files, projects } = FARM
  const farm = `${printers} printers, ${jobs} jobs, ${files} files, ${projects} projects`
  process.stdout.write(`
  A farm of ${farm}, asked by admins, operators and viewers, 3 % writes
  ${options.connections} connections, ${options.seconds} s each in ${compared.rounds.length} rounds, in turn; ${load}

${comparisonTable(compared, NAMES)}\n\n`)
  return [failureSentence(NAMES[0], compared.before), failureSentence(NAMES[1], compared.after)]
}

const runAlone = async (
  { seconds, connections }: Options,
  running: NonNullable<Options['running']>,
  signal: AbortSignal,
): Promise<(string | null)[]> => {
  const load = machineLoad()
  progress(`asking ${running.url} for ${seconds} s, ${running.writes ? 'with writes' : 'reads alone'}`)
  const measured = await measureRunning({ ...running, seconds, connections, signal })
  process.stdout.write(`
  ${connections} connections, ${seconds} s; ${load}

${singleTable(measured, running.url)}\n\n`)
  return [failureSentence(running.url, measured)]
}

/** Ctrl+C ends the load and stops in order what was started; a second one ends at once. */
const interruption = (): AbortSignal => {
  const interrupted = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => interrupted.abort(new Error('it was interrupted')))
  return interrupted.signal
}

const main = async (): Promise<void> => {
  const options = readOptions(process.argv.slice(2), process.env)
  if (options === 'help') {
    process.stdout.write(USAGE)
    return
  }
  const signal = interruption()
  const { running } = options
  const failures = await (running === null ? runComparison(options, signal) : runAlone(options, running, signal))
  for (const sentence of failures) {
    if (sentence === null) continue
    process.stderr.write(`  ${sentence}\n`)
    process.exitCode = 1
  }
}

try {
  await main()
} catch (error) {
  const isUsage = error instanceof UsageError
  const why = error instanceof Error ? error.message : String(error)
  process.stderr.write(isUsage ? `${why}\n\n${USAGE}` : `The load test failed: ${why}\n`)
  process.exitCode = isUsage ? 2 : 1
}
