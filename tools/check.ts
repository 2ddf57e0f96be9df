/**
 * Everything that can be said about the code without running it: `npm run check`. One line per check; the output of
 * those that failed comes below. Exit code 1 when any failed.
 */
import { spawn } from 'node:child_process'
import path from 'node:path'
import { stripVTControlCharacters } from 'node:util'

interface Check {
  name: string
  command: string
  /** What a passed check says of itself, found in its output. */
  remark?: RegExp
  /** Found in the output of a check that could not be made here, and says why. */
  undone?: RegExp
}

const CHECKS: Check[] = [
  { name: 'lint', command: 'npm run --silent lint -- --max-warnings=0' },
  { name: 'types', command: 'npm run --silent typecheck -- --output-logs=errors-only --concurrency=1' },
  { name: 'format', command: 'prettier --check --log-level=warn --cache --cache-location=.cache/prettier .' },
  { name: 'import boundaries', command: 'tsx tools/check-imports.ts', remark: /^\d+ files and \d+ imports read/m },
  { name: 'dead code', command: 'knip --no-progress' },
  { name: 'supply chain', command: 'npm run --silent supply-chain -- check', remark: /^\d+ packages read/m },
  {
    name: 'known holes',
    command: 'npm run --silent supply-chain -- audit',
    remark: /^\d+ known holes.*/m,
    // A machine without the registry can do nothing about it; where it answers, AUDIT_REQUIRED=true insists.
    undone: /^not audited: .*/m,
  },
  { name: "the SDK's generated types", command: 'npm run --silent generate:check --workspace=packages/client-sdk' },
]

/** A check that hangs must not hold a build until its own limit. */
const DEADLINE_MILLISECONDS = 15 * 60_000
const AT_ONCE = 2
const repository = path.resolve(import.meta.dirname, '..')

interface Outcome {
  check: Check
  passed: boolean
  seconds: number
  output: string
}

function run(check: Check): Promise<Outcome> {
  const startedAt = performance.now()
  const binaries = path.join(repository, 'node_modules/.bin')
  const child = spawn(check.command, {
    cwd: repository,
    shell: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: DEADLINE_MILLISECONDS,
    env: {
      ...process.env,
      PATH: `${binaries}${path.delimiter}${process.env['PATH'] ?? ''}`,
      TURBO_TELEMETRY_DISABLED: '1',
    },
  })
  let output = ''
  const collect = (chunk: Buffer) => (output += chunk.toString())
  child.stdout.on('data', collect)
  child.stderr.on('data', collect)
  return new Promise((resolve) => {
    const finish = (passed: boolean) =>
      resolve({
        check,
        passed,
        seconds: (performance.now() - startedAt) / 1000,
        output: stripVTControlCharacters(output),
      })
    child.once('error', (error) => {
      output += error.message
      finish(false)
    })
    child.once('close', (code, signal) => {
      if (signal !== null) output += `\nended by ${signal} after ${DEADLINE_MILLISECONDS / 60_000} minutes at most`
      finish(code === 0)
    })
  })
}

/** Why a check that did not fail has checked nothing; null when it has. */
const reasonUndone = ({ check, passed, output }: Outcome): string | null =>
  passed ? (check.undone?.exec(output)?.[0] ?? null) : null

function report(outcome: Outcome): void {
  const { check, passed, seconds, output } = outcome
  const undone = reasonUndone(outcome)
  const remark = undone ?? (passed ? (check.remark?.exec(output)?.[0] ?? '') : '')
  const mark = undone === null ? (passed ? '✓' : '✗') : '!'
  const line = `${mark} ${check.name.padEnd(26)} ${seconds.toFixed(1).padStart(6)} s  ${remark}`
  console.log(line.trimEnd())
}

async function runAll(): Promise<Outcome[]> {
  const waiting = [...CHECKS]
  const outcomes: Outcome[] = []
  const worker = async () => {
    for (let check = waiting.shift(); check !== undefined; check = waiting.shift()) {
      const outcome = await run(check)
      report(outcome)
      outcomes.push(outcome)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
  return outcomes
}

const outcomes = await runAll()
const failed = outcomes.filter(({ passed }) => !passed)
const undone = outcomes.filter((outcome) => reasonUndone(outcome) !== null)
for (const { check, output } of failed) console.log(`\n✗ ${check.name}: ${check.command}\n\n${output.trim()}`)
const passed = CHECKS.length - failed.length - undone.length
console.log(
  `\n${passed} checks passed, ${failed.length} failed${undone.length > 0 ? `, ${undone.length} not made` : ''}`,
)
if (failed.length > 0) process.exitCode = 1
