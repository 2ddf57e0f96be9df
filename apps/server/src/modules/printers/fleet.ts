import type { CallOff, EventBus, StoredEvent, Unsubscribe } from '../../kernel/index.js'
import type { PrinterSession } from './printer-session.js'
import { LatestWriter } from './latest-writer.js'
import type { PrinterAlarms } from './printer-alarms.js'
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
  alarms: PrinterAlarms
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
  /** Dropped, and still closing: nobody else may take them up until they are through. */
  private readonly ending = new Map<string, Promise<void>>()
  private readonly states: LatestWriter<string>
  private readonly dispatchable = new Set<string>()
  private readonly unsubscribe: Unsubscribe[] = []
  private callOffRenewal: CallOff = () => undefined
  private renewing: Promise<void> = Promise.resolve()
  private stopping = false

  constructor(private readonly deps: FleetDeps) {
    this.states = new LatestWriter((printerId, state) => this.saveState(printerId, state), deps.log)
  }

  async start(): Promise<void> {
    const { bus } = this.deps
    this.unsubscribe.push(
      bus.onEvent((event) => this.follow(event)),
      bus.onWake('printer.status.request', () => this.repeatAll()),
    )
    await this.renewSoon()
    this.schedule()
  }

  /** Closes the connections and gives the leases back; the printers go on printing. */
  async stop(): Promise<void> {
    this.stopping = true
    this.callOffRenewal()
    for (const unsubscribe of this.unsubscribe.splice(0)) unsubscribe()
    await this.renewing
    for (const supervisor of this.supervisors.values()) this.drop(supervisor)
    await Promise.all([...this.ending.values(), this.states.idle(), this.deps.alarms.idle()])
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
    this.callOffRenewal = this.deps.clock.after(this.deps.fleetTimings.renewEveryMs, () => {
      void this.renewSoon().then(() => {
        if (!this.stopping) this.schedule()
      })
    })
  }

  /** One renewal after the other: an older list of leases must not undo what a newer one brought. Never rejects. */
  private renewSoon(): Promise<void> {
    this.renewing = this.renewing.then(() => this.renew())
    return this.renewing
  }

  /** Keeps what is ours, takes what nobody drives, lets go of what we lost, and repairs what a lost event left old. */
  private async renew(): Promise<void> {
    const { unitOfWork, instanceId, fleetTimings, log } = this.deps
    if (this.stopping) return
    try {
      const seen = this.served().flatMap(({ record, live }) => (live.report === null ? [] : [record.id]))
      const taken = [...this.supervisors.values()].map((supervisor) => [supervisor, supervisor.expectRecord()] as const)
      const { grants, records } = await unitOfWork.run(async ({ fleet, printers }) => {
        await fleet.saveSeen(instanceId, seen)
        return {
          grants: await fleet.renewAndAcquire(instanceId, fleetTimings.leaseSeconds, fleetTimings.capacity),
          records: await printers.getMany(taken.map(([{ lease }]) => lease.printerId)),
        }
      })
      for (const [{ lease }, take] of taken) take(records.get(lease.printerId) ?? null)
      this.adopt(grants)
    } catch (error) {
      log.error({ err: error }, 'leases could not be renewed')
    }
  }

  private adopt(grants: LeaseGrant[]): void {
    const granted = new Map(grants.map((grant) => [grant.printerId, grant.epoch]))
    for (const supervisor of this.supervisors.values()) {
      if (granted.get(supervisor.lease.printerId) !== supervisor.lease.epoch) this.drop(supervisor)
    }
    for (const { printerId, epoch } of grants) {
      // What is still closing is taken up by the next renewal: it must not hold up this one, nor be driven twice.
      if (!this.supervisors.has(printerId) && !this.ending.has(printerId)) this.take(printerId, epoch)
    }
  }

  private take(printerId: string, epoch: number): void {
    const deps = { ...this.deps, onLive: (live: PrinterLive, record: PrinterRecord) => this.publish(live, record) }
    const supervisor = new PrinterSupervisor(deps, { printerId, owner: this.deps.instanceId, epoch })
    this.supervisors.set(printerId, supervisor)
    supervisor.start()
  }

  private drop(supervisor: PrinterSupervisor): void {
    const { printerId } = supervisor.lease
    if (this.supervisors.get(printerId) !== supervisor) return
    this.supervisors.delete(printerId)
    this.dispatchable.delete(printerId)
    const ended = supervisor.stop().finally(() => {
      this.states.forget(printerId)
      this.deps.alarms.forget(printerId)
      this.ending.delete(printerId)
    })
    this.ending.set(printerId, ended)
    this.background(ended)
  }

  private follow(event: StoredEvent): void {
    if (event.type === 'printer.created') void this.renewSoon()
    const printerId = 'printerId' in event.payload ? event.payload.printerId : null
    const supervisor = printerId === null ? undefined : this.supervisors.get(printerId)
    if (supervisor === undefined) return
    if (event.type === 'printer.removed') this.drop(supervisor)
    else if (event.type !== 'printer.state_changed') this.background(supervisor.refresh())
  }

  private repeatAll(): void {
    for (const supervisor of this.supervisors.values()) supervisor.repeat()
  }

  private publish(live: PrinterLive, record: PrinterRecord): void {
    const { bus, alarms, clock } = this.deps
    bus.publishTelemetry('printer.status', live.printerId, live)
    // Nothing is known before the first word: a restart must not make every printer go offline and come back.
    if (live.link === 'connecting' || this.stopping || !this.supervisors.has(record.id)) return
    const { state, dispatchable } = composeStatus(record, live, clock.now())
    this.states.put(record.id, state)
    alarms.observe(record, live)
    if (!dispatchable) this.dispatchable.delete(record.id)
    else if (!this.dispatchable.has(record.id)) {
      this.dispatchable.add(record.id)
      bus.wake('dispatch')
    }
  }

  private saveState(printerId: string, state: string): Promise<void> {
    return this.deps.unitOfWork.run(async (tx) => {
      const change = await tx.fleet.saveState(this.deps.instanceId, printerId, state, tx.now)
      if (change === null) return
      const printerGroupId = this.supervisors.get(printerId)?.record?.groupId ?? null
      tx.record(
        {
          type: 'printer.state_changed',
          subjectType: 'printer',
          subjectId: printerId,
          printerGroupId,
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
