import {
  RareLog,
  type CallOff,
  type EventBus,
  type Logger,
  type Timers,
  type UnitOfWork,
  type Unsubscribe,
} from '../../kernel/index.js'
import { fairShare } from './fair-share.js'
import { LeaseTerm, momentOf, type Moment } from './lease-term.js'
import type { FleetRepository, LeaseGrant } from './printers.ports.js'

export interface LeaseTimings {
  /** How long a printer stays with an instance that is heard of no more. */
  leaseSeconds: number
  /** By so much earlier than in the database the lease is over here. */
  marginMs: number
  /** With the lease: how long until another instance takes the printers of one that died. */
  renewEveryMs: number
  /** While this instance has more than its share. */
  shareEveryMs: number
  /** How many printers are on their way between instances at most: each is without a driver for a moment. */
  movingAtOnce: number
  /** How many printers one instance drives at most. */
  capacity: number
}

export const LEASE_TIMINGS: LeaseTimings = {
  leaseSeconds: 10,
  marginMs: 1_000,
  renewEveryMs: 2_500,
  shareEveryMs: 500,
  movingAtOnce: 20,
  capacity: 2_000,
}

/** Who drives the printers that the keeper holds leases of. */
export interface LeaseHolder {
  /** The printers that are driven. */
  held(): string[]
  /** Of these, whose hosts spoke. */
  seen(): string[]
  /** Given up, and not through yet. */
  closing(): string[]
  /** These are all there are: others are lost, new ones are to be driven. */
  adopt(grants: LeaseGrant[], term: LeaseTerm): void
  /** Nothing may be done to any printer from now on. */
  lapse(): void
  /** Ends the work on these and gives their leases back, each as soon as its connection is closed. */
  handOver(printerIds: string[]): void
}

export interface LeaseKeeperDeps {
  unitOfWork: UnitOfWork<{ fleet: FleetRepository }>
  bus: EventBus
  holder: LeaseHolder
  instanceId: string
  clock: Timers
  log: Logger
  timings: LeaseTimings
}

interface Holding {
  grants: LeaseGrant[]
  /** How many printers are more than the share. */
  surplus: number
  /** How many of them may go now. */
  movable: number
}

/**
 * Holds this instance's share of the printers: announces that it lives, renews what it has, takes what nobody drives,
 * and hands over what is more than its share. Instances know of each other by their rows alone, and compare no clocks.
 */
export class LeaseKeeper {
  private readonly unsubscribe: Unsubscribe[] = []
  private term: LeaseTerm | null = null
  private callOff: CallOff = () => undefined
  private renewing: Promise<void> = Promise.resolve()
  private requested = false
  private hasSurplus = false
  private stopping = false

  private readonly rareLog: RareLog

  constructor(private readonly deps: LeaseKeeperDeps) {
    this.rareLog = new RareLog(deps.log, deps.clock)
  }

  async start(): Promise<void> {
    const { bus } = this.deps
    this.unsubscribe.push(bus.onWake('printer.lease', () => this.look()))
    await this.renewSoon()
    bus.wake('printer.lease') // the others have a share less now
    this.schedule()
  }

  /** Takes nothing any more, and counts no more among the instances; what is held stays so until it is given back. */
  async stop(): Promise<void> {
    this.stopping = true
    this.callOff()
    for (const unsubscribe of this.unsubscribe.splice(0)) unsubscribe()
    await this.renewing
    await this.deps.unitOfWork.run(({ fleet }) => fleet.leave(this.deps.instanceId))
  }

  /** Ends what the process knows of its leases; after everything was given back. */
  end(): void {
    this.term?.end()
  }

  /** Looks for printers soon; many requests at once cost one look. */
  look(): void {
    void this.renewSoon()
  }

  private schedule(): void {
    const { clock, timings } = this.deps
    this.callOff = clock.after(this.hasSurplus ? timings.shareEveryMs : timings.renewEveryMs, () => {
      void this.renewSoon().then(() => {
        if (!this.stopping) this.schedule()
      })
    })
  }

  /** One renewal after the other: an older list of leases must not undo what a newer one brought. Never rejects. */
  private renewSoon(): Promise<void> {
    if (this.requested) return this.renewing
    this.requested = true
    this.renewing = this.renewing.then(() => {
      this.requested = false
      return this.stopping ? undefined : this.renew()
    })
    return this.renewing
  }

  private async renew(): Promise<void> {
    const { holder, clock } = this.deps
    const since = momentOf(clock)
    const term = this.term?.isOver === false ? this.term : null
    try {
      const { grants, surplus, movable } = await this.ask()
      const valid = term ?? this.begin(since)
      // Answered too late: what was granted is taken up anew by the next renewal.
      if (!valid.extend(since)) return
      holder.adopt(grants, valid)
      this.hasSurplus = surplus > 0
      if (movable > 0) await this.shareOut(movable)
    } catch (error) {
      this.rareLog.warn({ err: error }, 'leases could not be renewed; it is tried again')
    }
  }

  private begin(since: Moment): LeaseTerm {
    const { holder, clock, timings, log } = this.deps
    const term = new LeaseTerm(since, timings.leaseSeconds * 1_000 - timings.marginMs, clock)
    this.term = term
    term.signal.addEventListener('abort', () => {
      if (!this.stopping)
        log.warn({}, 'the leases ran out before they could be renewed; nothing is done to any printer')
      holder.lapse()
    })
    return term
  }

  private ask(): Promise<Holding> {
    const { unitOfWork, instanceId, holder, timings } = this.deps
    const { leaseSeconds, capacity, movingAtOnce } = timings
    const [held, seen, closing] = [holder.held(), holder.seen(), holder.closing()]
    return unitOfWork.run(async ({ fleet }) => {
      await fleet.announce(instanceId, capacity, leaseSeconds)
      const kept = await fleet.renew(instanceId, held, seen, leaseSeconds)
      const { printers, free, capacities } = await fleet.situation()
      const share = fairShare(printers, capacities, capacity)
      const room = share - kept.length - closing.length
      const taken = await fleet.acquire(instanceId, room, [...held, ...closing], leaseSeconds)
      const surplus = kept.length - share
      // What others have not taken up yet is on its way too.
      return { grants: [...kept, ...taken], surplus, movable: Math.min(surplus, movingAtOnce - free - closing.length) }
    })
  }

  private async shareOut(count: number): Promise<void> {
    const { unitOfWork, instanceId, holder } = this.deps
    const held = holder.held()
    holder.handOver(await unitOfWork.run(({ fleet }) => fleet.retire(instanceId, held, count)))
  }
}
