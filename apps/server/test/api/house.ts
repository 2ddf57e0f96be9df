import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { createFleet, type Fleet, type FleetPrinter } from '@gantry/virtual-printers'
import pg from 'pg'
import { expect } from 'vitest'

import { stopAbandonedPostgres } from '../../src/db/embedded/embedded-postgres.js'
import { callerOf, PASSWORD, uploaded, type Caller } from '../../src/testing/app-under-test.js'
import { createTestDatabase } from '../../src/testing/database.js'
import { zigzagGcode } from '../../src/testing/tiny-gcode.js'
import { ServerProcesses, type ServerProcess } from './server-process.js'

/** For what takes a server seconds when nothing else runs. */
const SOON = { timeout: 60_000, interval: 50 }
const BUILD_VOLUME = { xMm: 250, yMm: 210, zMm: 210 }
/** A print that outlasts every test, until the virtual printers are told to hurry. */
const LINES = 3_000
const SPEED = 20
const HURRY = 20_000

type Roles = 'api' | 'worker' | 'fleet' | 'fleet,worker'

interface HouseOptions {
  octoprint: number
  moonraker: number
  /** A PostgreSQL that the processes only reach, or the one that they start themselves. */
  database: 'shared' | 'embedded'
}

/** Processes of one installation, each with roles of its own, and virtual printers in the process of the test. */
export class House implements AsyncDisposable {
  /** Gantry's ids of the virtual printers, by name. */
  private readonly ids = new Map<string, string>()
  private signedIn: Caller | null = null

  private constructor(
    readonly virtual: Fleet,
    readonly dataDir: string,
    private readonly servers: ServerProcesses,
    /** Null with the embedded database. */
    private readonly shared: { sql: pg.Client; url: string; drop: () => Promise<void> } | null,
  ) {}

  static async open({ database, octoprint, moonraker }: HouseOptions): Promise<House> {
    const dataDir = await mkdtemp(join(tmpdir(), 'gantry-house-'))
    const virtual = await createFleet({ octoprint, moonraker, speed: SPEED })
    return new House(virtual, dataDir, new ServerProcesses(dataDir), database === 'shared' ? await openShared() : null)
  }

  /** Whoever is logged in at the process that has the role `api`. */
  get caller(): Caller {
    if (this.signedIn === null) throw new Error('nobody is logged in')
    return this.signedIn
  }

  start(roles: Roles): ServerProcess {
    return this.servers.start({
      ...{ GANTRY_ROLES: roles, GANTRY_ADMIN_PASSWORD: PASSWORD, PRINTER_ALLOW_LOOPBACK: 'true' },
      ...(this.shared === null ? {} : { DATABASE_URL: this.shared.url }),
    })
  }

  async logIn(api: ServerProcess): Promise<void> {
    const url = await api.ready()
    const login = { email: 'admin@gantry.local', password: PASSWORD }
    const { accessToken } = await callerOf(url, {}).trpc.auth.login.mutate(login)
    this.signedIn = callerOf(url, { Authorization: `Bearer ${accessToken}` })
  }

  /** Registers every virtual printer. The bed counts as occupied until {@link clearBed}. */
  async register(): Promise<void> {
    for (const { name, kind, url, apiKey } of this.virtual.printers) {
      const printer = { name, kind, url, apiKey, nozzleDiameterMm: 0.4, buildVolume: BUILD_VOLUME }
      const materials = [{ slot: 0, material: 'PLA', colorHex: null }]
      const { id } = await this.caller.trpc.printers.create.mutate({ ...printer, materials })
      this.ids.set(name, id)
    }
  }

  id({ name }: FleetPrinter): string {
    return this.ids.get(name) ?? ''
  }

  async clearBeds(...printers: FleetPrinter[]): Promise<void> {
    for (const printer of printers) await this.caller.trpc.printers.clearBed.mutate({ id: this.id(printer) })
  }

  /** @returns the job's id */
  async order(copies: number): Promise<string> {
    const file = await uploaded(this.caller, 'token.gcode', zigzagGcode(LINES))
    return (await this.caller.trpc.printJobs.submit.mutate({ source: { fileId: file.id, copies } })).id
  }

  /** Waits until so many printers print, and no more. */
  async printing(count: number): Promise<FleetPrinter[]> {
    const look = () => this.virtual.printers.filter(({ machine }) => machine.state === 'printing')
    await expect.poll(() => look().length, SOON).toBe(count)
    return look()
  }

  /** Waits for the copies of a job: how many are done, held and so on. */
  async becomes(jobId: string, counts: Record<string, number>): Promise<void> {
    this.virtual.setSpeed(HURRY)
    const look = async () => (await this.caller.trpc.printJobs.get.query({ id: jobId })).counts
    await expect.poll(look, SOON).toMatchObject(counts)
  }

  /** The printers that a process drives, by the database. */
  async drivenBy(instance: string): Promise<FleetPrinter[]> {
    const rows = await this.rows<{ printer_id: string }>(
      'SELECT printer_id FROM printer_runtime WHERE lease_until > now() AND lease_owner = $1',
      [instance],
    )
    const driven = new Set(rows.map((row) => row.printer_id))
    return this.virtual.printers.filter((printer) => driven.has(this.id(printer)))
  }

  /** Waits until each process drives so many printers. */
  async spread(wanted: Record<string, number>, within = SOON): Promise<void> {
    const look = async () => {
      const driven = Object.keys(wanted).map(async (instance) => [instance, (await this.drivenBy(instance)).length])
      return Object.fromEntries(await Promise.all(driven)) as Record<string, number>
    }
    await expect.poll(look, within).toEqual(wanted)
  }

  /** The states of a job's attempts, in order. */
  async attempts(jobId: string): Promise<string[]> {
    const rows = await this.rows<{ state: string }>('SELECT state FROM attempt WHERE job_id = $1 ORDER BY claimed_at', [
      jobId,
    ])
    return rows.map(({ state }) => state)
  }

  /** What was ordered of printers, and what came of it. */
  async commands(): Promise<string[]> {
    const rows = await this.rows<{ kind: string; state: string }>(
      'SELECT kind, state FROM printer_command ORDER BY created_at',
    )
    return rows.map(({ kind, state }) => `${kind} ${state}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.servers.killAll()
    await this.virtual.stop()
    await this.shared?.sql.end()
    await this.shared?.drop()
    await stopAbandonedPostgres({ dataDir: this.dataDir, log: { info: () => undefined } })
    await rm(this.dataDir, { recursive: true, force: true })
  }

  private async rows<R extends pg.QueryResultRow>(query: string, values: unknown[] = []): Promise<R[]> {
    if (this.shared === null) throw new Error('the embedded database is not looked into')
    return (await this.shared.sql.query<R>(query, values)).rows
  }
}

const openShared = async () => {
  const { url, drop } = await createTestDatabase()
  const sql = new pg.Client({ connectionString: url })
  await sql.connect()
  return { sql, url, drop }
}
