import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

import { createGantryClient, type GantryClient } from '@gantry/client'
import { createFleet, type Fleet } from '@gantry/virtual-printers'

import { startReplicatedPostgres } from '../../apps/server/processes/replicated-postgres.js'
import { DemoFarm } from './farm.js'
import { createScreen, type Screen } from './screen.js'
import { startServer, type DemoServer } from './server-process.js'
import { summaryTable } from './summary.js'

const COPIES = 12
/** Seconds of a virtual printer per second of ours: a copy of 19 minutes takes about 14 seconds. */
const SPEED = 85
const USAGE = `Usage: npm run demo [-- --keep] [--replicas]
  --keep       leave the server and the printers running, and show how to log in
  --replicas   on a primary PostgreSQL with two replicas, which serve the lists`

const started = Date.now()

const run = async (gantry: GantryClient, server: DemoServer, fleet: Fleet, screen: Screen): Promise<void> => {
  await gantry.auth.login(server.email, server.password)
  const failed = new AbortController()
  const farm = new DemoFarm(gantry, fleet, screen, (error) => failed.abort(error))
  await farm.register()
  screen.step(`Registered ${fleet.printers.length} printers with PLA loaded; their beds are clear`)
  const job = await farm.order(COPIES)
  screen.step(`Ordered ${job.copies} copies; the printers run ${SPEED} times as fast as real ones\n`)
  const broken = new Promise<never>((_resolve, reject) => {
    failed.signal.addEventListener('abort', () => reject(failed.signal.reason as Error), { once: true })
  })
  await Promise.race([farm.watchUntilDone(job), broken])
  const { items } = await gantry.printJobs.attempts({ id: job.id })
  process.stdout.write(`\n${summaryTable(items, farm.names)}\n\n`)
  const { startsOnOccupiedBed, secondStarts, starts } = fleet.counts().total
  const verdict = `${starts} starts, ${secondStarts} of them twice, ${startsOnOccupiedBed} on an occupied bed`
  screen.step(`By the printers' own count: ${verdict}. ${Math.round((Date.now() - started) / 1_000)} s in all.`)
  await showDatabase(gantry, screen)
  if (starts !== COPIES || secondStarts > 0 || startsOnOccupiedBed > 0)
    throw new Error('The printers counted something else than was ordered.')
}

/** How the replicas do, where there are any. */
const showDatabase = async (gantry: GantryClient, screen: Screen): Promise<void> => {
  const { replicas } = await gantry.system.databaseHealth()
  const seconds = (value: number | null) => (value === null ? 'unknown' : `${Math.round(value * 1_000)} ms`)
  for (const { name, state, lagSeconds } of replicas)
    screen.step(`The replica ${name} is ${state}, at most ${seconds(lagSeconds)} behind`)
}

const untilInterrupted = (): Promise<void> =>
  new Promise((resolve) => {
    process.once('SIGINT', resolve).once('SIGTERM', resolve)
  })

const keep = async (server: DemoServer, screen: Screen): Promise<void> => {
  screen.step('The farm is left running. Ctrl+C stops it.')
  process.stdout.write(`
  URL        ${server.url}
  API        ${server.url}/api/docs
  queues     ${server.url}/admin/queues
  e-mail     ${server.email}
  password   ${server.password}
  log        ${server.logFile}
\n`)
  await untilInterrupted()
}

const main = async (): Promise<void> => {
  const { values } = parseArgs({
    options: { keep: { type: 'boolean' }, replicas: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
  })
  if (values.help === true) {
    process.stdout.write(`${USAGE}\n`)
    return
  }
  const screen = createScreen(process.stdout)
  const dataDir = await mkdtemp(join(tmpdir(), 'gantry-demo-'))
  await chmod(dataDir, 0o755) // the database's own user must get through when the demo is run by root
  const cleanUp: (() => Promise<void>)[] = [() => rm(dataDir, { recursive: true, force: true })]
  try {
    const database = values.replicas === true ? await startReplicas(screen, cleanUp) : {}
    screen.step(values.replicas === true ? 'Starting the server' : 'Starting a private PostgreSQL and the server')
    const server = await startServer(dataDir, database)
    cleanUp.unshift(() => server.stop())
    screen.step(`The server is at ${server.url}`)
    const fleet = await createFleet({ octoprint: 3, moonraker: 3, speed: SPEED })
    cleanUp.unshift(() => fleet.stop())

    const gantry = createGantryClient({ url: server.url })
    await Promise.race([run(gantry, server, fleet, screen), interrupted()])
    if (values.keep === true) await keep(server, screen)
  } finally {
    screen.step('Stopping')
    for (const stop of cleanUp) await stop()
  }
}

/** @returns what tells the server of them */
const startReplicas = async (screen: Screen, cleanUp: (() => Promise<void>)[]): Promise<Record<string, string>> => {
  screen.step('Starting a primary PostgreSQL and two replicas of it')
  const { primary, replicas, stop } = await startReplicatedPostgres()
  cleanUp.unshift(stop)
  return { DATABASE_URL: primary.url, READ_REPLICA_URLS: replicas.map(({ url }) => url).join(',') }
}

/** Ctrl+C before the end is an orderly stop too, but no success. */
const interrupted = async (): Promise<never> => {
  await untilInterrupted()
  throw new Error('Interrupted.')
}

try {
  await main()
  process.exit(0)
} catch (error) {
  process.stderr.write(`The demo failed: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(1)
}
