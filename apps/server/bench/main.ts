/** The benchmarks of docs/reference/performance.md, and of taking over in docs/reference/safety.md: `npm run bench [-- --only NAME] [--quick]`. */
import { loadavg } from 'node:os'
import { parseArgs } from 'node:util'

import { authenticationBench } from './authentication.bench.js'
import { cacheBench } from './cache.bench.js'
import { cachedListBench } from './cached-list.bench.js'
import { claimBench } from './claim-100k.bench.js'
import { dispatchBench } from './dispatch-latency.bench.js'
import { fleetBench } from './fleet-100.bench.js'
import { freeBench } from './free-500.bench.js'
import { jobsBench } from './jobs.bench.js'
import { observabilityBench } from './observability.bench.js'
import { printersListBench } from './printers-list.bench.js'
import { prismaReadBench } from './prisma-read.bench.js'
import { queueBench } from './queue-page.bench.js'
import { replicasBench } from './replicas.bench.js'
import { tableOf, writeResults, type Bench, type BenchResult } from './report.js'
import { startupBench } from './startup.bench.js'
import { scrapeBench } from './scrape.bench.js'
import { takeoverBench } from './takeover.bench.js'
import { uploadBench } from './upload.bench.js'
import { virtualBench } from './virtual-1000.bench.js'

const BENCHES: readonly Bench[] = [
  printersListBench,
  cacheBench,
  cachedListBench,
  prismaReadBench,
  replicasBench,
  uploadBench,
  fleetBench,
  claimBench,
  freeBench,
  queueBench,
  jobsBench,
  authenticationBench,
  observabilityBench,
  dispatchBench,
  takeoverBench,
  startupBench,
  scrapeBench,
  virtualBench,
]
const NAMES = BENCHES.map(({ name }) => name).join(', ')
const USAGE = `Usage: npm run bench [-- --only NAME] [--quick]
  --only NAME   one of ${NAMES}; may be given several times
  --quick       short rounds: shows that everything works, not how fast it is
`

const chosen = (names: readonly string[]): readonly Bench[] => {
  const unknown = names.find((name) => !BENCHES.some((bench) => bench.name === name))
  if (unknown !== undefined) throw new Error(`There is no bench "${unknown}", only ${NAMES}.`)
  return names.length === 0 ? BENCHES : BENCHES.filter(({ name }) => names.includes(name))
}

const main = async (): Promise<void> => {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', multiple: true, default: [] },
      quick: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(USAGE)
    return
  }
  const started = new Date()
  const results: BenchResult[] = []
  for (const bench of chosen(values.only)) {
    const progress = (text: string) => process.stderr.write(`  ${bench.name}: ${text}\n`)
    progress(`load of the machine before: ${loadavg()[0]?.toFixed(2) ?? '?'}`)
    const result = await bench.run({ quick: values.quick, progress })
    process.stdout.write(tableOf(result))
    results.push(result)
  }
  process.stdout.write(`\n  Written to ${await writeResults(started, values.quick, results)}\n`)
}

try {
  await main()
} catch (error) {
  process.stderr.write(`The bench failed: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
