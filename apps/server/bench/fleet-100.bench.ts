import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

import { mebibytes, type Bench, type BenchOptions, type BenchResult } from './report.js'
import { startServer, type BenchServer } from './server-process.js'
import { startFarm, type VirtualFarm } from './virtual-farm.js'

const FIXTURE = new URL('../src/modules/files/fixtures/demo-token.gcode', import.meta.url)
const ALL_ONLINE_MS = 120_000

const register = async (server: BenchServer, farm: VirtualFarm): Promise<void> => {
  for (const { name, kind, url, apiKey } of farm.printers) {
    await server.call('POST', '/api/printers', { name, kind, url, apiKey })
  }
}

const statesOf = async (server: BenchServer): Promise<string[]> => {
  const page = (await server.call('GET', '/api/printers?limit=200')) as { items: { status: { state: string } }[] }
  return page.items.map(({ status }) => status.state)
}

const untilOnline = async (server: BenchServer, count: number): Promise<number> => {
  const began = performance.now()
  for (;;) {
    const online = (await statesOf(server)).filter((state) => state !== 'offline' && state !== 'connecting').length
    if (online === count) return performance.now() - began
    if (performance.now() - began > ALL_ONLINE_MS) throw new Error(`only ${online} of ${count} printers came online`)
    await sleep(500)
  }
}

const countsOf = (states: readonly string[]): Map<string, number> => {
  const counts = new Map<string, number>()
  for (const state of states) counts.set(state, (counts.get(state) ?? 0) + 1)
  return counts
}

interface StreamCount {
  messages: number
  bytes: number
}

/** Counts what one client of the live stream gets, until `signal`. */
const follow = async ({ url, headers }: BenchServer, count: StreamCount, signal: AbortSignal): Promise<void> => {
  const accept = { ...headers, accept: 'text/event-stream' }
  const response = await fetch(`${url}/trpc/printers.onStatus`, { headers: accept, signal })
  if (!response.ok || response.body === null) throw new Error(`the stream was answered ${response.status}`)
  const decoder = new TextDecoder()
  let rest = ''
  for await (const part of response.body) {
    const lines = (rest + decoder.decode(part as Uint8Array, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    count.bytes += (part as Uint8Array).length
    count.messages += lines.filter((line) => line.startsWith('data:') && line.includes('printerId')).length
  }
}

interface Measured {
  seconds: number
  cpuShare: number
  messagesPerSecond: number
  bytesPerSecond: number
}

const watch = async (server: BenchServer, seconds: number) => {
  const count: StreamCount = { messages: 0, bytes: 0 }
  const over = new AbortController()
  const following = follow(server, count, over.signal).catch((error: unknown) => {
    if (!over.signal.aborted) throw error
  })
  await sleep(2_000) // the snapshot is not what is counted
  Object.assign(count, { messages: 0, bytes: 0 })
  const before = await server.read()
  const began = performance.now()
  await Promise.race([sleep(seconds * 1000), following.then(() => Promise.reject(new Error('the stream ended')))])
  const reading = await server.read()
  const took = (performance.now() - began) / 1000
  const counted = { ...count }
  over.abort()
  await following
  const measured: Measured = {
    seconds: took,
    cpuShare: (reading.cpuMicros - before.cpuMicros) / 1e6 / took,
    messagesPerSecond: counted.messages / took,
    bytesPerSecond: counted.bytes / took,
  }
  return { ...measured, reading }
}

const run = async ({ quick, progress }: BenchOptions): Promise<BenchResult> => {
  const half = quick ? 5 : 50
  const [settleSeconds, seconds] = quick ? [3, 5] : [20, 60]
  const server = await startServer()
  let farm: VirtualFarm | null = null
  try {
    await sleep(settleSeconds * 1000)
    const idle = await server.read()
    farm = await startFarm(half, half)
    await register(server, farm)
    progress(`registered ${farm.printers.length} printers`)
    const onlineMs = await untilOnline(server, farm.printers.length)
    const gcode = await readFile(FIXTURE, 'latin1')
    const printing = farm.printers.filter((_, index) => index % 5 === 0)
    for (const { name } of printing) await farm.print(name, gcode)
    progress(`${printing.length} of them print; settling`)
    await sleep(settleSeconds * 1000)
    const states = countsOf(await statesOf(server))
    const found = await watch(server, seconds)
    const { reading } = found
    const mix = [...states].map(([state, count]) => `${count} ${state}`).join(', ')
    return {
      name: 'fleet-100',
      title: `${farm.printers.length} virtual printers that report once a second (${mix}), over ${found.seconds.toFixed(0)} s`,
      rows: [
        {
          what: 'memory (RSS)',
          value: mebibytes(reading.rssBytes),
          note: `without printers ${mebibytes(idle.rssBytes)}`,
        },
        { what: 'processor', value: `${(found.cpuShare * 100).toFixed(1)} %`, note: 'of one core, without PostgreSQL' },
        { what: 'event loop late, p99', value: `${reading.loopDelayP99Ms.toFixed(1)} ms` },
        { what: 'event loop late, worst', value: `${reading.loopDelayMaxMs.toFixed(1)} ms` },
        {
          what: 'messages to one client',
          value: `${found.messagesPerSecond.toFixed(1)} /s`,
          note: `${(found.bytesPerSecond / 1000).toFixed(0)} kB/s`,
        },
        { what: 'all online after', value: `${(onlineMs / 1000).toFixed(1)} s`, note: 'since the last was registered' },
      ],
      data: {
        idle,
        ...found,
        states: Object.fromEntries(states),
        onlineMs,
      },
    }
  } finally {
    await farm?.stop()
    await server.stop()
  }
}

export const fleetBench: Bench = { name: 'fleet-100', run }
