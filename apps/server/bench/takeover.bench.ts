import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'

import { startDatabase, type BenchDatabase } from './bench-database.js'
import { registerPrinters, until } from './print-shop.js'
import { median, type Bench, type BenchOptions, type BenchResult } from './report.js'
import { startServer, type BenchServer } from './server-process.js'
import { startFarm } from './virtual-farm.js'

const OCTOPRINT = 10
const MOONRAKER = 10
const PRINTERS = OCTOPRINT + MOONRAKER
/** How exactly times are taken. */
const LOOK_MS = 20
/** Leases are renewed every so often; who dies does so at a random moment between. */
const RENEWAL_MS = 2_500

/** In milliseconds, one for each try. */
interface Times {
  killed: number[]
  stopped: number[]
  started: number[]
}

/** A server of all roles, by its name in the database. */
interface Instance {
  server: BenchServer
  id: string
}

/** The printers' drivers, as the database knows them. */
class Leases {
  private readonly known = new Set<string>()

  constructor(private readonly database: BenchDatabase) {}

  /** The name of the instance that came last. */
  async newcomer(): Promise<string> {
    const rows = await this.database.prisma.fleetInstance.findMany({ select: { id: true } })
    const fresh = rows.find(({ id }) => !this.known.has(id))
    if (fresh === undefined) throw new Error('no instance came')
    this.known.add(fresh.id)
    return fresh.id
  }

  /** When the instance made itself known to the others. */
  async announced(count: number): Promise<number> {
    const all = async () => (await this.database.prisma.fleetInstance.count()) > count
    await until('an instance makes itself known', all, LOOK_MS)
    return performance.now()
  }

  count(): Promise<number> {
    return this.database.prisma.fleetInstance.count()
  }

  /** Waits until an instance drives so many printers. @returns how long that took, in milliseconds since `began` */
  async drives({ id }: Pick<Instance, 'id'>, printers: number, began: number): Promise<number> {
    const look = async () => {
      const [row] = await this.database.prisma.$queryRaw<{ count: number }[]>`
        SELECT count(*)::int AS count FROM printer_runtime WHERE lease_owner = ${id} AND lease_until > now()`
      return row?.count === printers
    }
    await until(`${printers} printers are taken over`, look, LOOK_MS)
    return performance.now() - began
  }
}

/** Half the printers go to a second instance, and come back when one of the two ends. */
const tryOnce = async (one: Instance, open: () => Promise<Instance>, leases: Leases, times: Times) => {
  const share = async (): Promise<Instance> => {
    const [began, opened] = await Promise.all([leases.count().then((count) => leases.announced(count)), open()])
    times.started.push(await leases.drives(opened, PRINTERS / 2, began))
    await sleep(RENEWAL_MS)
    return opened
  }
  const heir = await share()
  await sleep(Math.random() * RENEWAL_MS)
  const killedAt = performance.now()
  const gone = one.server.kill()
  times.killed.push(await leases.drives(heir, PRINTERS, killedAt))
  await gone
  const next = await share()
  const stoppedAt = performance.now()
  const ended = heir.server.stop()
  times.stopped.push(await leases.drives(next, PRINTERS, stoppedAt))
  await ended
  return next
}

const row = (what: string, times: readonly number[]) => {
  const [middle, worst] = [median(times), Math.max(...times)].map((ms) => (ms / 1_000).toFixed(1))
  return { what, value: `median ${middle} s, worst ${worst} s`, note: `${times.length} tries` }
}

const run = async ({ quick, progress }: BenchOptions): Promise<BenchResult> => {
  const tries = quick ? 1 : 6
  const times: Times = { killed: [], stopped: [], started: [] }
  const database = await startDatabase()
  const farm = await startFarm(OCTOPRINT, MOONRAKER)
  const leases = new Leases(database)
  const settings = {
    DATABASE_URL: database.url,
    GANTRY_SECRET_KEY: randomBytes(32).toString('base64'),
    GANTRY_ADMIN_PASSWORD: randomBytes(12).toString('base64url'),
  }
  const alive = new Set<BenchServer>()
  const open = async (): Promise<Instance> => {
    const server = await startServer(settings)
    alive.add(server)
    return { server, id: await leases.newcomer() }
  }
  try {
    let current = await open()
    await registerPrinters(current.server, farm)
    await leases.drives(current, PRINTERS, 0)
    for (let count = 1; count <= tries; count += 1) {
      current = await tryOnce(current, open, leases, times)
      progress(`${count} of ${tries}`)
    }
  } finally {
    for (const server of alive) await server.stop()
    await farm.stop()
    await database.stop()
  }
  return {
    name: 'takeover',
    title: `${PRINTERS} printers between two instances, at rest`,
    rows: [
      row('all taken over from one that was killed', times.killed),
      row('all handed over by one that stops in order', times.stopped),
      row('half handed over to one that has come', times.started),
    ],
    data: times,
  }
}

export const takeoverBench: Bench = { name: 'takeover', run }
