import { availableParallelism, loadavg } from 'node:os'
import { join } from 'node:path'

import { createGantryClient, type GantryClient } from '@gantry/client'

import { eventually } from '../eventually.js'
import type { Children } from './children.js'
import type { GantryInstance } from './gantry-instance.js'
import { EMAIL, embeddedInstallation, sharedInstallation, type Installation } from './instances.js'
import { loadedIn, MIXED, type Loaded, type Stock } from './materials.js'
import type { BreakableDatabase, Database, SharedPostgres } from './postgres.js'
import type { ReadLayers } from './read-layers.js'
import { replicatedInstallation } from './replicated-installation.js'
import { TcpProxy, type Address } from './tcp-proxy.js'
import { VirtualPrinters, type VirtualPrinter } from './virtual-printers.js'

const BUILD_VOLUME = { xMm: 250, yMm: 210, zMm: 210 }
/** Printers that are registered at a time. */
const AT_ONCE = 5
const CALL_MS = 10_000
const ONLINE_MS = 180_000
/** In which all processes of a farm start on two cores that have nothing else to do, with some room. */
const QUIET_START_MS = 12_000
/** On a machine that is slower still, what takes too long counts as stuck. */
const SLOWEST = 6

export interface FarmOptions {
  instances: number
  octoprint: number
  moonraker: number
  /** Machine seconds per second. */
  speed: number
  /** @default MIXED */
  stock?: Stock
  /**
   * Where the database is: `shared` with the other experiments of the lane, `embedded` for one instance that brings it
   * along, `replicated` with two replicas and a Redis of its own.
   * @default 'shared'
   */
  shape?: 'shared' | 'embedded' | 'replicated'
  /** Instances that users do not reach; they drive printers and work all the same. */
  apart?: readonly number[]
  /** Settings of one instance, over those of all. */
  environment?: (instance: number) => Record<string, string>
  /** Modules that one instance loads before its own code. */
  preload?: (instance: number) => string[]
}

const INSTALLATIONS = {
  shared: sharedInstallation,
  embedded: embeddedInstallation,
  replicated: replicatedInstallation,
}

export interface FarmPlace {
  /** For everything that ends with the experiment. */
  folder: string
  /** For logs, which outlive a failed one. */
  logs: string
  children: Children
  postgres: SharedPostgres
  seed: string
}

/** An installation: some instances of Gantry behind one address, their database, and the printers. */
export class Farm {
  /** Names of the virtual printers by Gantry's ids. */
  readonly names = new Map<string, string>()
  private turn = 0
  private readonly door = new TcpProxy(() => this.nextInstance())

  private constructor(
    private readonly installation: Installation,
    readonly fleet: VirtualPrinters,
    readonly db: Database,
    readonly stock: Stock,
    /** How much longer than on a quiet machine of two cores it took to start. */
    private readonly startedSlowly: number,
    private readonly apart: readonly number[],
    private client: GantryClient | null = null,
  ) {}

  static async start(options: FarmOptions, place: FarmPlace): Promise<Farm> {
    const { folder, logs, children, seed } = place
    const { stock = MIXED, shape = 'shared', apart = [] } = options
    const installation = await INSTALLATIONS[shape](options, place)
    const began = performance.now()
    for (const instance of installation.instances) instance.start()
    const files = { folder: join(folder, 'printers'), logFile: join(logs, 'printers.log') }
    const fleet = await VirtualPrinters.start(children, { ...options, stock, seed }, files)
    await Promise.all(installation.instances.map((instance) => instance.ready()))
    const startedSlowly = (performance.now() - began) / QUIET_START_MS
    const farm = new Farm(installation, fleet, await installation.database(), stock, startedSlowly, apart)
    await farm.open()
    return farm
  }

  get gantry(): GantryClient {
    if (this.client === null) throw new Error('the farm is not open')
    return this.client
  }

  get instances(): readonly GantryInstance[] {
    return this.installation.instances
  }

  /**
   * How many times as long things may take as on a quiet machine of two cores, 1 at least: by how long the start took, and
   * by how much more than its cores can do the machine has to do now. Windows does not tell the latter.
   */
  get slowness(): number {
    const [waiting = 0] = loadavg()
    return Math.min(SLOWEST, Math.max(1, this.startedSlowly, waiting / availableParallelism()))
  }

  /** The primary, to be stopped and started. */
  get postgres(): BreakableDatabase {
    return this.installation.postgres
  }

  /** What stands before the primary when lists are read. @throws Error in a shape that has nothing there */
  get layers(): ReadLayers {
    const { layers } = this.installation
    if (layers === null) throw new Error('the farm has no Redis and no replicas')
    return layers
  }

  /** Of the first admin, who has the address {@link EMAIL}. */
  get password(): string {
    return this.installation.password
  }

  get isWhole(): boolean {
    return this.instances.every(({ address }) => address !== null)
  }

  get links(): readonly TcpProxy[] {
    return this.installation.links
  }

  /** Registers every virtual printer with what is loaded in it, and says that its bed is clear. */
  async registerPrinters(): Promise<void> {
    const waiting = this.fleet.printers.map((printer, index) => ({ printer, loaded: loadedIn(this.stock, index) }))
    const work = async () => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift())
        await this.register(next.printer, next.loaded)
    }
    await Promise.all(Array.from({ length: AT_ONCE }, work))
  }

  /** Until every printer is ready for work. */
  async online(): Promise<void> {
    const look = async () => {
      const { items } = await this.gantry.printers.list({ limit: 200 })
      return items.length === this.fleet.printers.length && items.every(({ status }) => status.dispatchable)
    }
    await eventually('every printer is connected', look, { withinMs: ONLINE_MS, everyMs: 500 })
  }

  async stop(): Promise<void> {
    for (const instance of this.instances) await instance.kill()
    await this.fleet.stop()
    await this.door.stop()
    await this.db.close()
    await this.installation.close()
  }

  private async open(): Promise<void> {
    this.client = createGantryClient({
      url: `http://127.0.0.1:${await this.door.start()}`,
      ...{ email: EMAIL, password: this.installation.password, timeoutMs: CALL_MS },
      retry: { attempts: 5, maxDelayMs: 2_000 },
      reconnect: { delayMs: 100, maxDelayMs: 1_000 },
    })
  }

  private async register({ name, kind, url, apiKey }: VirtualPrinter, loaded: Loaded): Promise<void> {
    const { id } = await this.gantry.printers.create({
      ...{ name, kind, url, apiKey, buildVolume: BUILD_VOLUME, nozzleDiameterMm: loaded.nozzleMm, model: 'MK3S' },
      materials: [{ slot: 0, material: loaded.material, colorHex: null }],
    })
    await this.gantry.printers.clearBed({ id })
    this.names.set(id, name)
  }

  /** As a load balancer chooses: in turn, among those that answer. */
  private nextInstance(): Address | null {
    const reached = this.instances.filter((_, index) => !this.apart.includes(index))
    const up = reached.flatMap(({ address }) => (address === null ? [] : [address]))
    this.turn += 1
    return up[this.turn % Math.max(up.length, 1)] ?? null
  }
}
