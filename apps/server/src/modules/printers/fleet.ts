import type { EventBus, StoredEvent, Unsubscribe } from '../../kernel/index.js'
import type { PrinterSession } from './printer-session.js'
import { composeStatus } from './printer-status.js'
import { PrinterSupervisor, type SupervisorDeps } from './printer-supervisor.js'
import type { LeaseGrant, PrinterLive, PrinterRecord } from './printers.ports.js'

export interface FleetTimings {
  leaseSeconds: number
  renewEveryMs: number
  /** How many printers one instance drives at most. */
  capacity: number
}

export const FLEET_TIMINGS: FleetTimings = { leaseSeconds: 15, renewEveryMs: 4_000, capacity: 2_000 }

export type FleetDeps = Omit<SupervisorDeps, 'onLive'> & {
  instanceId: string
  bus: EventBus
  fleetTimings: FleetTimings
}

/** A printer that this instance drives, with the latest of its row and of its host. */
export interface ServedPrinter {
  supervisor: PrinterSupervisor
  record: PrinterRecord
  live: PrinterLive
  session: PrinterSession | null
}

/** The printers that this instance drives: holds their leases, runs their supervisors, and says how they are. */
export class Fleet {
  private readonly supervisors = new Map<string, PrinterSupervisor>()
  private readonly savedStates = new Map<string, string>()
  private readonly unsubscribe: Unsubscribe[] = []
  private timer: NodeJS.Timeout | undefined
  private renewing: Promise<void> = Promise.resolve()
  private stopping = false

  constructor(private readonly deps: FleetDeps) {}

  async start(): Promise<void> {
    const { bus } = this.deps
    this.unsubscribe.push(
      bus.onEvent((event) => this.follow(event)),
      bus.onWake('printer.status.request', () => this.repeatAll()),
    )
    await this.renew()
    this.schedule()
  }

  /** Closes the connections and gives the leases back; the printers go on printing. */
  async stop(): Promise<void> {
    this.stopping = true
    clearTimeout(this.timer)
    for (const unsubscribe of this.unsubscribe.splice(0)) unsubscribe()
    await this.renewing
    await Promise.all([...this.supervisors.values()].map((supervisor) => supervisor.stop()))
    this.supervisors.clear()
    await this.deps.unitOfWork.run(({ fleet }) => fleet.release(this.deps.instanceId, 'all'))
  }

  served(): ServedPrinter[] {
    return [...this.supervisors.values()].flatMap((supervisor) => {
      const { record, state, openSession } = supervisor
      return record === null ? [] : [{ supervisor, record, live: state, session: openSession }]
    })
  }

  find(printerId: string): PrinterSupervisor | null {
    return this.supervisors.get(printerId) ?? null
  }

  /** Loads a printer's row again, at once rather than when the event comes round. */
  async refresh(printerId: string): Promise<void> {
    await this.supervisors.get(printerId)?.refresh()
  }

  private schedule(): void {
    this.timer = setTimeout(() => {
      this.renewing = this.renew().then(() => {
        if (!this.stopping) this.schedule()
      })
    }, this.deps.fleetTimings.renewEveryMs)
  }

  /** Keeps what is ours, takes what nobody drives, and lets go of what we lost. */
  private async renew(): Promise<void> {
    const { unitOfWork, instanceId, fleetTimings, log } = this.deps
    try {
      const seen = this.served().flatMap(({ record, live }) => (live.report === null ? [] : [record.id]))
      const grants = await unitOfWork.run(async ({ fleet }) => {
        await fleet.saveSeen(instanceId, seen)
        return fleet.renewAndAcquire(instanceId, fleetTimings.leaseSeconds, fleetTimings.capacity)
      })
      await this.adopt(grants)
      this.repeatAll()
    } catch (error) {
      log.error({ err: error }, 'leases could not be renewed')
    }
  }

  private async adopt(grants: LeaseGrant[]): Promise<void> {
    const granted = new Map(grants.map((grant) => [grant.printerId, grant.epoch]))
    const gone = [...this.supervisors.values()].filter(({ lease }) => granted.get(lease.printerId) !== lease.epoch)
    await Promise.all(gone.map((supervisor) => this.drop(supervisor)))
    for (const grant of grants) if (!this.supervisors.has(grant.printerId) && !this.stopping) this.take(grant)
  }

  private take(grant: LeaseGrant): void {
    const { instanceId } = this.deps
    const lease = { printerId: grant.printerId, owner: instanceId, epoch: grant.epoch }
    const deps = { ...this.deps, onLive: (live: PrinterLive, record: PrinterRecord) => this.publish(live, record) }
    const supervisor = new PrinterSupervisor(deps, lease, instanceId)
    this.supervisors.set(grant.printerId, supervisor)
    supervisor.start()
  }

  private async drop(supervisor: PrinterSupervisor): Promise<void> {
    this.supervisors.delete(supervisor.lease.printerId)
    this.savedStates.delete(supervisor.lease.printerId)
    await supervisor.stop()
  }

  private follow(event: StoredEvent): void {
    if (event.type === 'printer.created') this.renewSoon()
    const printerId = 'printerId' in event.payload ? event.payload.printerId : null
    const supervisor = printerId === null ? undefined : this.supervisors.get(printerId)
    if (supervisor === undefined) return
    if (event.type === 'printer.removed') this.background(this.drop(supervisor))
    else if (event.type !== 'printer.state_changed') this.background(supervisor.refresh())
  }

  private renewSoon(): void {
    this.renewing = this.renewing.then(() => this.renew())
  }

  private repeatAll(): void {
    for (const supervisor of this.supervisors.values()) supervisor.repeat()
  }

  private publish(live: PrinterLive, record: PrinterRecord): void {
    this.deps.bus.publishTelemetry('printer.status', live.printerId, live)
    const { state } = composeStatus(record, live, this.deps.clock.now())
    if (this.savedStates.get(record.id) === state || this.stopping) return
    this.savedStates.set(record.id, state)
    this.background(this.saveState(record, state))
  }

  private saveState(record: PrinterRecord, state: string): Promise<void> {
    return this.deps.unitOfWork.run(async (tx) => {
      const change = await tx.fleet.saveState(this.deps.instanceId, record.id, state, tx.now)
      if (change === null) return
      tx.record(
        {
          type: 'printer.state_changed',
          subjectType: 'printer',
          subjectId: record.id,
          printerGroupId: record.groupId,
          payload: change,
        },
        'system',
      )
    })
  }

  private background(work: Promise<void>): void {
    work.catch((error: unknown) =>
      this.deps.log.error({ err: error }, 'work on the fleet failed; the next sweep repeats it'),
    )
  }
}
