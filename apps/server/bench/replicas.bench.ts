import { randomBytes } from 'node:crypto'
import { cpus } from 'node:os'

import { startReplicatedPostgres, type ReplicatedPostgres } from '../processes/replicated-postgres.js'
import { openDatabase } from './bench-database.js'
import { seedFarm } from './loadtest/farm.js'
import { Side, type Measured } from './loadtest/measure.js'
import { failuresOf } from './loadtest/statistics.js'
import { median, range, type Bench, type BenchOptions, type BenchResult, type Row } from './report.js'
import { startServer, type BenchServer } from './server-process.js'

const CONNECTIONS = 16

interface Reading {
  /** The load, as whoever asks sees it. */
  measured: Measured
  /** Of a core, that of the server's process. */
  serverShare: number
}

interface Round {
  alone: Reading
  replicated: Reading
}

const reading = async (side: Side, server: BenchServer, seconds: number): Promise<Reading> => {
  const [began, before] = [performance.now(), await server.read()]
  const measured = await side.round(seconds)
  const after = await server.read()
  const failures = failuresOf(measured.statistics)
  if (failures > 0) throw new Error(`${failures} of ${measured.statistics.requests} requests failed`)
  return { measured, serverShare: (after.cpuMicros - before.cpuMicros) / 1_000 / (performance.now() - began) }
}

/** Reads that a replica may serve, by who served them. */
const servedBy = async (server: BenchServer): Promise<Record<string, number>> => {
  const response = await fetch(`${server.url}/metrics`, { headers: server.headers })
  const counts = [...(await response.text()).matchAll(/gantry_database_reads_total\{served_by="(\w+)"\} (\d+)/g)]
  return Object.fromEntries(counts.map(([, by = '', count]) => [by, Number(count)]))
}

const measure = async (postgres: ReplicatedPostgres, { quick, progress }: BenchOptions): Promise<BenchResult> => {
  const [seconds, rounds] = quick ? [1, 1] : [10, 4]
  const password = randomBytes(12).toString('base64url')
  const common = { DATABASE_URL: postgres.primary.url, GANTRY_ROLES: 'api', GANTRY_ADMIN_PASSWORD: password }
  // Every list from the database: what is kept would be read from nowhere.
  const start = (replicaUrls: string) =>
    startServer({ ...common, REDIS_URL: '', CACHE_ANSWERS: 'false', READ_REPLICA_URLS: replicaUrls })
  const alone = await start('')
  const replicated = await start(postgres.replicas.map(({ url }) => url).join(','))
  const database = await openDatabase(postgres.primary.url)
  try {
    progress('seeding the farm')
    const people = await seedFarm(database, alone)
    const { signal } = new AbortController()
    const open = ({ url }: BenchServer) => Side.open({ url, people, connections: CONNECTIONS, signal, writes: 'farm' })
    const sides = { alone: await open(alone), replicated: await open(replicated) }
    for (const side of [sides.alone, sides.replicated]) await side.warmUp(seconds)
    const measured: Round[] = []
    for (let number = 1; number <= rounds; number += 1) {
      const round = {
        alone: await reading(sides.alone, alone, seconds),
        replicated: await reading(sides.replicated, replicated, seconds),
      }
      measured.push(round)
      const rate = ({ measured: { statistics } }: Reading) => statistics.perSecond.toFixed(0)
      progress(`round ${number} of ${rounds}: alone ${rate(round.alone)} /s, replicated ${rate(round.replicated)} /s`)
    }
    return resultOf(measured, await servedBy(replicated))
  } finally {
    await Promise.all([alone.stop(), replicated.stop()])
    await database.stop()
  }
}

const resultOf = (rounds: readonly Round[], served: Record<string, number>): BenchResult => {
  const middle = (of: (round: Round) => number) => median(rounds.map(of))
  const line = (name: keyof Round, what: string): Row => {
    const { p50Ms, p99Ms, perSecond } = {
      perSecond: middle((round) => round[name].measured.statistics.perSecond),
      p50Ms: middle((round) => round[name].measured.statistics.p50Ms),
      p99Ms: middle((round) => round[name].measured.statistics.p99Ms),
    }
    const share = (middle((round) => round[name].serverShare) * 100).toFixed(0)
    return {
      what,
      value: `${perSecond.toFixed(0)} /s`,
      note: `p50 ${p50Ms.toFixed(0)} ms, p99 ${p99Ms.toFixed(0)} ms; the server takes ${share} % of a core`,
    }
  }
  const ratios = rounds.map(
    ({ alone, replicated }) => replicated.measured.statistics.perSecond / alone.measured.statistics.perSecond,
  )
  const { replica = 0, primary_fresh: fresh = 0, primary_alone: without = 0 } = served
  return {
    name: 'replicas',
    title: `The load test's mix without kept answers, on a primary alone and with two replicas, ${CONNECTIONS} connections`,
    rows: [
      line('alone', 'primary alone'),
      line('replicated', 'primary and two replicas'),
      { what: 'requests, replicated / alone', value: median(ratios).toFixed(2), note: range(ratios) },
      {
        what: 'lists read from replicas',
        value: `${((100 * replica) / (replica + fresh + without)).toFixed(0)} %`,
        note: `${fresh} had to be fresher than the replicas; ${cpus().length} cores for server, load and three databases`,
      },
    ],
    data: { rounds, served },
  }
}

const run = async (options: BenchOptions): Promise<BenchResult> => {
  options.progress('starting a primary PostgreSQL and two replicas')
  await using postgres = await startReplicatedPostgres()
  return await measure(postgres, options)
}

export const replicasBench: Bench = { name: 'replicas', run }
