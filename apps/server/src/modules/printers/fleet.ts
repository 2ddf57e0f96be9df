import {
  pause,
  type EventBus,
  type Primary,
  type StoredEvent,
  type UnitOfWork,
  type Unsubscribe,
} from '../../kernel/index.js'
import { Gatherer } from './gatherer.js'
import { LatestWriter } from './latest-writer.js'
import { LeaseKeeper, type LeaseTimings } from './lease-keeper.js'
import type { LeaseTerm } from './lease-term.js'
import type { PrinterAlarms } from './printer-alarms.js'
import type { PrinterSession } from './printer-session.js'
import { composeStatus } from './printer-status.js'
import { PrinterSupervisor, type SupervisorDeps } from './printer-supervisor.js'
import type {
  FleetRepository,
  LeaseGrant,
  PrinterLive,
  PrinterRecord,
  PrinterRepository,
  PrinterState,
} from './printers.ports.js'

export type FleetDeps = Omit<SupervisorDeps, 'onLive' | 'load' | 'unitOfWork'> & {
  unitOfWork: UnitOfWork<{ fleet: FleetRepository }>
  reads: Primary<{ printers: Pick<PrinterRepository, 'getMany'> }>
  /** For the renewal of leases alone, which waits behind nothing else. */
  leases: UnitOfWork<{ fleet: FleetRepository }>
  instanceId: string
  bus: EventBus
  alarms: PrinterAlarms
  leaseTimings: LeaseTimings
}

/** How long a stop waits for connections to close; leases of those that do not end by themselves. */
const CLOSE_WITHIN_MS = 4_000

/** A printer that this instance drives, with the latest of its row and of its host. */
export interface ServedPrinter {
  supervisor: PrinterSupervisor
  record: PrinterRecord
  live: PrinterLive
  session: PrinterSession | null
}

/** The printers that this instance drives: runs their supervisors for as long as it holds their leases, and says how they are. */
export class Fleet {
  private readonly supervisors = new Map<string, PrinterSupervisor>()
  /** Dropped, and still closing: nobody else may take them up until they are through. */
  private readonly ending = new Map<string, Promise<void>>()
  private readonly keeper: LeaseKeeper
  private readonly records: Gatherer<string, PrinterRecord | null>
  private readonly saves: Gatherer<PrinterState, undefined>
  private readonly states: LatestWriter<string>
  private readonly dispatchable = new Set<string>()
  private readonly unsubscribe: Unsubscribe[] = []
  private repairing = false
  private stopping = false

  constructor(private readonly deps: FleetDeps) {
    this.records = new Gatherer((ids) => this.loadAll(ids))
    this.saves = new Gatherer((states) => this.saveAll(states))
    this.states = new LatestWriter((printerId, state) => this.saves.do({ printerId, state }), deps.log)
    const { leases: unitOfWork, bus, instanceId, clock, log, leaseTimings: timings } = deps
    const holder = {
      held: () => [...this.supervisors.keys()],
      seen: () => this.served().flatMap(({ record, live }) => (live.report === null ? [] : [record.id])),
      closing: () => [...this.ending.keys()],
      adopt: (grants: LeaseGrant[], term: LeaseTerm) => this.adopt(grants, term),
      lapse: () => this.dropAll(),
      handOver: (printerIds: string[]) => this.handOver(printerIds),
    }
    this.keeper = new LeaseKeeper({ unitOfWork, bus, holder, instanceId, clock, log, timings })
  }

  async start(): Promise<void> {
    const { bus } = this.deps
    this.unsubscribe.push(
      bus.onEvent((event) => this.follow(event)),
      bus.onWake('printer.status.request', () => this.repeatAll()),
    )
    await this.keeper.start()
  }

  /** Closes the connections and gives the leases back to whoever is there; the printers go on printing. */
  async stop(): Promise<void> {
    const { unitOfWork, instanceId, bus, clock, alarms, log } = this.deps
    this.stopping = true
    for (const unsubscribe of this.unsubscribe.splice(0)) unsubscribe()
    await this.keeper.stop().catch((err: unknown) => log.warn({ err }, 'this instance counts until its time runs out'))
    this.dropAll()
    const closed = Promise.all(this.ending.values())
    await Promise.race([closed, pause(clock, CLOSE_WITHIN_MS, new AbortController().signal)])
    this.keeper.end()
    await Promise.all([this.states.idle(), alarms.idle()])
    await unitOfWork.run(({ fleet }) => fleet.releaseAllBut(instanceId, [...this.ending.keys()]))
    bus.wake('printer.lease')
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

  private adopt(grants: LeaseGrant[], term: LeaseTerm): void {
    const granted = new Map(grants.map((grant) => [grant.printerId, grant.epoch]))
    for (const supervisor of this.supervisors.values()) {
      if (granted.get(supervisor.lease.printerId) !== supervisor.lease.epoch) this.drop(supervisor)
    }
    for (const { printerId, epoch } of grants) {
      // What is still closing is taken up by a later renewal: it must not hold up this one, nor be driven twice.
      if (!this.supervisors.has(printerId) && !this.ending.has(printerId)) this.take(printerId, epoch, term)
    }
    this.background(this.repair())
  }

  /** Loads the rows of all printers again, which repairs what a lost event left old. */
  private async repair(): Promise<void> {
    if (this.repairing) return
    this.repairing = true
    try {
      const asked = [...this.supervisors.values()].map((supervisor) => [supervisor, supervisor.expectRecord()] as const)
      const ids = asked.map(([{ lease }]) => lease.printerId)
      const records = await this.deps.reads.printers.getMany(ids)
      for (const [{ lease }, take] of asked) take(records.get(lease.printerId) ?? null)
    } finally {
      this.repairing = false
    }
  }

  private take(printerId: string, epoch: number, term: LeaseTerm): void {
    const deps = {
      ...this.deps,
      load: (id: string) => this.records.do(id),
      onLive: (live: PrinterLive, record: PrinterRecord) => this.publish(live, record),
    }
    const supervisor = new PrinterSupervisor(deps, { printerId, owner: this.deps.instanceId, epoch }, term)
    this.supervisors.set(printerId, supervisor)
    supervisor.start()
  }

  private dropAll(): void {
    for (const supervisor of this.supervisors.values()) this.drop(supervisor)
  }

  /** @param then done when it is closed, and before anybody may take it up again */
  private drop(supervisor: PrinterSupervisor, then = () => Promise.resolve()): void {
    const { printerId } = supervisor.lease
    if (this.supervisors.get(printerId) !== supervisor) return
    this.supervisors.delete(printerId)
    this.dispatchable.delete(printerId)
    const ended = supervisor
      .stop()
      .then(then)
      .finally(() => {
        this.states.forget(printerId)
        this.deps.alarms.forget(printerId)
        this.ending.delete(printerId)
      })
    this.ending.set(printerId, ended)
    this.background(ended)
  }

  private handOver(printerIds: string[]): void {
    const { unitOfWork, instanceId, bus, log } = this.deps
    if (printerIds.length > 0) log.info({ printers: printerIds.length }, 'printers are handed over to other instances')
    for (const printerId of printerIds) {
      const supervisor = this.supervisors.get(printerId)
      if (supervisor === undefined) continue
      this.drop(supervisor, async () => {
        await unitOfWork.run(({ fleet }) => fleet.release(instanceId, [printerId]))
        bus.wake('printer.lease')
      })
    }
  }

  private follow(event: StoredEvent): void {
    if (event.type === 'printer.created') this.keeper.look()
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

  private async loadAll(printerIds: string[]): Promise<(PrinterRecord | null)[]> {
    const found = await this.deps.reads.printers.getMany([...new Set(printerIds)])
    return printerIds.map((id) => found.get(id) ?? null)
  }

  private saveAll(states: PrinterState[]): Promise<undefined[]> {
    return this.deps.unitOfWork.run(async (tx) => {
      for (const change of await tx.fleet.saveStates(this.deps.instanceId, states, tx.now)) {
        const { printerId: subjectId } = change
        const printerGroupId = this.supervisors.get(subjectId)?.record?.groupId ?? null
        const subject = { subjectType: 'printer', subjectId, printerGroupId }
        tx.record({ type: 'printer.state_changed', ...subject, payload: change }, 'system')
      }
      return states.map(() => undefined)
    })
  }

  private background(work: Promise<void>): void {
    work.catch((error: unknown) =>
      this.deps.log.error({ err: error }, 'work on the fleet failed; the next sweep repeats it'),
    )
  }
}
