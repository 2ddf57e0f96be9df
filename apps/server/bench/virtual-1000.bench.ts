import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

import { watchPrinter, type PrinterWatch } from './printer-watch.js'
import { mebibytes, type Bench, type BenchOptions, type BenchResult, type Row } from './report.js'
import { startFarm, type VirtualFarm } from './virtual-farm.js'

const FIXTURE = new URL('../src/modules/files/fixtures/demo-token.gcode', import.meta.url)
/** So many sockets are opened at a time. */
const BATCH = 25
const HEATING_SECONDS = 240
const HEATING_SPEED = 20

const watchAll = async (farm: VirtualFarm): Promise<PrinterWatch[]> => {
  const watches: PrinterWatch[] = []
  for (let from = 0; from < farm.printers.length; from += BATCH) {
    watches.push(...(await Promise.all(farm.printers.slice(from, from + BATCH).map(watchPrinter))))
  }
  return watches
}

/** The fleet's process and what its clients got, over some seconds. */
const measure = async (
  farm: VirtualFarm,
  watches: readonly PrinterWatch[],
  seconds: number,
  counted: 'states' | 'alive',
) => {
  for (const watch of watches) watch.take()
  const before = await farm.read()
  const began = performance.now()
  await sleep(seconds * 1000)
  const reading = await farm.read()
  const took = (performance.now() - began) / 1000
  const rates = watches.map((watch) => watch.take()[counted] / took)
  return {
    seconds: took,
    cpuShare: (reading.cpuMicros - before.cpuMicros) / 1e6 / took,
    reportsPerSecond: rates.reduce((sum, rate) => sum + rate, 0),
    slowestPerSecond: Math.min(...rates),
    ...reading,
  }
}

type Measured = Awaited<ReturnType<typeof measure>>

const rowsOf = (state: string, found: Measured): Row[] => [
  { what: `${state}: processor`, value: `${(found.cpuShare * 100).toFixed(0)} %`, note: 'of one core' },
  {
    what: `${state}: memory (RSS)`,
    value: mebibytes(found.rssBytes),
    note: `at the highest ${mebibytes(found.peakRssBytes)}`,
  },
  {
    what: `${state}: reports`,
    value: `${found.reportsPerSecond.toFixed(0)} /s`,
    note: `of the slowest printer ${found.slowestPerSecond.toFixed(2)} /s`,
  },
  { what: `${state}: event loop late, p99`, value: `${found.loopDelayP99Ms.toFixed(0)} ms` },
]

const run = async ({ quick, progress }: BenchOptions): Promise<BenchResult> => {
  const half = quick ? 10 : 500
  const [settleSeconds, seconds] = quick ? [2, 3] : [10, 30]
  const farm = await startFarm(half, half)
  let watches: PrinterWatch[] = []
  try {
    watches = await watchAll(farm)
    progress(`connected to ${watches.length} printers; settling`)
    await sleep(settleSeconds * 1000)
    const idle = await measure(farm, watches, seconds, 'alive')
    const gcode = await readFile(FIXTURE, 'latin1')
    for (const { name } of farm.printers) await farm.print(name, gcode)
    progress('all of them print; settling')
    // Through the heating, which costs nothing, to the moves.
    await farm.setSpeed(HEATING_SPEED)
    await sleep((HEATING_SECONDS / HEATING_SPEED) * 1000)
    await farm.setSpeed(1)
    await sleep(settleSeconds * 1000)
    const printing = await measure(farm, watches, seconds, 'states')
    return {
      name: 'virtual-1000',
      title: `${farm.printers.length} virtual printers in one process, each with a client to which it reports once a second`,
      rows: [...rowsOf('at rest', idle), ...rowsOf('all printing', printing)],
      data: { printers: farm.printers.length, idle, printing },
    }
  } finally {
    for (const watch of watches) watch.close()
    await farm.stop()
  }
}

export const virtualBench: Bench = { name: 'virtual-1000', run }
