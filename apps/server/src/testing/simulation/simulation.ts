import type { JobRequirements } from '@gantry/schemas'
import type { Scheduler } from 'fast-check'

import { SimulatedBus } from './bus.js'
import type { CallFaults } from './connection.js'
import { SimulatedHost } from './host.js'
import { startInstance, type Instance, type Sabotage } from './instance.js'
import { Judge } from './judge.js'
import { People } from './people.js'
import { TROUBLED_MS, type Plan, type Trouble } from './plan.js'
import { SimulatedProcess } from './process.js'
import { SimulatedStore, type StoreFaults } from './store.js'
import { copyKey, type PrinterRow } from './tables.js'
import { World } from './world.js'

/** What takes no time. */
type MomentaryTrouble = Exclude<Trouble['kind'], 'kill' | 'freeze' | 'shutdown' | 'databaseCut' | 'hostAway'>

/** By then the last copy has ended, or none ever will. */
const PATIENCE_MS = 30 * 60_000

/** A room of printers, the servers that drive them, the people in it, and all that goes wrong. */
export class Simulation {
  readonly world: World
  private readonly hosts = new Map<string, SimulatedHost>()
  private readonly store: SimulatedStore
  private readonly bus: SimulatedBus
  private readonly judge: Judge
  private readonly people: People
  private readonly callFaults: CallFaults
  private readonly storeFaults: StoreFaults
  private readonly instances: Instance[] = []
  private started = 0

  constructor(
    private readonly plan: Plan,
    scheduler: Scheduler,
    private readonly sabotage: Sabotage = {},
  ) {
    const { rate, lateStarts } = plan
    this.callFaults = { slow: rate, lost: rate, answerLost: rate, lateStart: lateStarts, lying: rate / 4 }
    this.storeFaults = { refused: rate / 2, answerLost: rate / 2 }
    this.world = new World(scheduler, plan.seed, () => this.judge.look())
    this.bus = new SimulatedBus(this.world)
    this.store = new SimulatedStore(this.world, this.storeFaults, (events) => this.bus.committed(events))
    this.judge = new Judge(() => this.store, this.hosts)
    const room = new SimulatedProcess('room', this.world, 0)
    this.people = new People(this.world, this.store, this.hosts, this.judge, this.bus.endIn(room))
    for (let index = 0; index < plan.printers; index += 1) this.addPrinter(index)
    for (const [index, copies] of plan.copies.entries()) this.addJob(index, copies)
  }

  /** @throws Violation when a rule was broken, or something never came to its end */
  async run(): Promise<void> {
    for (let index = 0; index < this.plan.instances; index += 1) this.startInstance()
    this.people.begin()
    for (const trouble of this.plan.troubles) this.world.at(trouble.atMs, () => this.cause(trouble))
    await this.world.run(TROUBLED_MS)
    this.world.tell('all faults are over')
    Object.assign(this.callFaults, { slow: 0, lost: 0, answerLost: 0, lateStart: 0, lying: 0 })
    Object.assign(this.storeFaults, { refused: 0, answerLost: 0 })
    await this.world.run(TROUBLED_MS + PATIENCE_MS, () => this.judge.isQuiet())
    this.judge.judgeEnd()
  }

  private startInstance(): void {
    const index = this.started
    this.started += 1
    const process = new SimulatedProcess(`server-${index + 1}`, this.world, index)
    this.world.tell(`${process.id} starts`)
    const deps = {
      ...{ process, store: this.store, bus: this.bus, hosts: this.hosts, callFaults: this.callFaults },
      sabotage: this.sabotage,
      unexpected: (error: unknown, message: string) =>
        this.judge.report(`${message}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`),
    }
    this.instances.push(startInstance(deps))
  }

  private cause({ kind, target, forMs }: Trouble): void {
    const { world } = this
    const later = (act: () => void) => world.at(world.nowMs + forMs, act)
    const alive = this.instances.filter(({ process }) => process.isAlive)
    const instance = alive[target % alive.length]
    const host = [...this.hosts.values()][target % this.hosts.size]
    const jobId = `job-${(target % this.plan.copies.length) + 1}`
    if (host === undefined) return
    switch (kind) {
      case 'kill':
        instance?.process.kill()
        later(() => this.startInstance())
        return
      case 'freeze':
        instance?.process.freeze()
        later(() => instance?.process.thaw())
        return
      case 'shutdown':
        if (instance !== undefined) this.shutDown(instance)
        later(() => this.startInstance())
        return
      case 'databaseCut':
        if (instance !== undefined) instance.process.databaseCutUntilMs = world.nowMs + forMs
        return
      case 'hostAway':
        host.goAway()
        later(() => host.comeBack())
        return
      default:
        this.causeAtOnce(kind, host, jobId)
    }
  }

  private causeAtOnce(kind: MomentaryTrouble, host: SimulatedHost, jobId: string): void {
    switch (kind) {
      case 'hostCut':
        return host.cutAll()
      case 'hostRestart':
        return host.restart()
      case 'hostPower':
        return host.losePower()
      case 'panelCancel':
        if (host.running?.startedBy === 'gantry') host.finish('cancelled')
        return
      case 'foreignPrint':
        return this.people.printForeign(host, `mine-${host.starts.length}.gcode`)
      case 'cancelJob':
      case 'releaseJob':
      case 'reassign':
        void this.world.turn(`a person has a wish for ${jobId}`).then(() => this.people.wish(kind, jobId))
    }
  }

  /** As on SIGTERM; the process ends when the role has stopped, or at the latest after ten seconds. */
  private shutDown(instance: Instance): void {
    const { process } = instance
    this.world.tell(`${process.id} shuts down`)
    // What it could not give back, its leases' end gives back.
    instance.stop().then(
      () => process.kill(),
      () => process.kill(),
    )
    this.world.at(this.world.nowMs + 10_000, () => {
      if (process.isAlive) process.kill()
    })
  }

  private addPrinter(index: number): void {
    const id = `printer-${index + 1}`
    const kind = (this.plan.seed + index) % 2 === 0 ? 'octoprint' : 'moonraker'
    this.hosts.set(id, new SimulatedHost(id, kind, this.world))
    const epoch = new Date(0)
    const row: PrinterRow = {
      ...{ id, name: id, kind, url: id, apiKeyCipher: null, model: null, groupId: null, locationId: null },
      ...{ enabled: true, maintenance: false, nozzleDiameterMm: null, buildVolume: null, materials: [], version: 1 },
      fileFormats: ['gcode'],
      ...{ createdAt: epoch, updatedAt: epoch, bed: 'clear', bedSince: epoch, state: 'offline', stateSince: epoch },
      ...{ lastSeenAt: null, leaseOwner: null, leaseUntil: null, leaseEpoch: 0, holds: [], activeAttempt: null },
    }
    this.store.tables.put('printers', id, row)
  }

  private addJob(index: number, copies: number): void {
    const id = `job-${index + 1}`
    const requirements: JobRequirements = {
      ...{ materials: [], nozzleDiameterMm: null, sizeMm: null, printerModels: [], printerGroupIds: [] },
      fileFormat: 'gcode',
    }
    this.store.tables.put('jobs', id, {
      ...{ id, name: id, fileVersionId: 'fvr', projectId: null, partId: null, copies, priority: index, requirements },
      ...{ createdById: 'person', createdAt: new Date(index) },
      counts: { queued: copies, active: 0, done: 0, failed: 0, cancelled: 0, held: 0 },
    })
    for (let number = 1; number <= copies; number += 1)
      this.store.tables.put('copies', copyKey(id, number), {
        ...{ jobId: id, number, state: 'queued', onlyPrinterId: null, notPrinterId: null },
      })
  }
}
