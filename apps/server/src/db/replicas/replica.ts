import type { DatabaseReplicaHealth } from '@gantry/schemas'

import type { Logger } from '../../kernel/logger.port.js'
import type { Database } from '../client.js'
import { isConnectionLost, isTransient } from '../errors.js'
import { repositoriesFor, type Repositories } from '../repositories.js'
import type { PrimaryMarks } from './primary-marks.js'
import type { Position } from './probe.js'

export interface ReplicaOptions {
  /** Host, port and database: what of its URL may be shown. */
  name: string
  database: Database
  probe: { ask(): Promise<Position> }
  marks: PrimaryMarks
  maxLagMs: number
  log: Logger
  nowMs: () => number
}

/** So often it must be well, one check after the other, before it is read again. */
const WELL_CHECKS = 2

type State = DatabaseReplicaHealth['state']

/** The replica was ejected while a read was under way. */
class Abandoned extends Error {}

/** One replica: whether it may be read, how old it is, and the reads under way on it. */
export class Replica {
  private state: State = 'starting'
  private readonly repositories: Repositories
  private readonly underWay = new Set<() => void>()
  private wellChecks = 0
  private checking: Promise<void> | null = null
  /** It shows every commit that was answered before this moment. */
  private freshAsOfMs = -Infinity
  private latencyMs: number | null = null

  constructor(private readonly options: ReplicaOptions) {
    this.repositories = repositoriesFor(options.database.prisma)
  }

  get name(): string {
    return this.options.name
  }

  get outstanding(): number {
    return this.underWay.size
  }

  get hasBegun(): boolean {
    return this.state !== 'starting'
  }

  /** @param sinceMs what was committed before this must be there */
  mayServe(sinceMs: number): boolean {
    const { nowMs, maxLagMs } = this.options
    return this.state === 'usable' && nowMs() - this.freshAsOfMs <= maxLagMs && this.freshAsOfMs >= sinceMs
  }

  get isUsable(): boolean {
    return this.mayServe(-Infinity)
  }

  /** @returns null when the read has to be made elsewhere. @throws what is no fault of the replica */
  async serve<T>(work: (repositories: Repositories) => Promise<T>): Promise<{ value: T } | null> {
    try {
      return { value: await this.unlessAbandoned(work(this.repositories)) }
    } catch (error) {
      if (isConnectionLost(error)) this.eject('failing', error)
      // A read can also be cancelled because it was in the way of what came from the primary.
      else if (!(error instanceof Abandoned || isTransient(error))) throw error
      return null
    }
  }

  /** Its connections broke; nothing is believed of it until it has been asked again. */
  lost(): void {
    this.eject('failing')
  }

  /** Asks where it stands; a question that is not answered yet is not asked twice. */
  check(): Promise<void> {
    this.checking ??= this.look().finally(() => (this.checking = null))
    return this.checking
  }

  /** What is known of its age may hold no longer. */
  forget(): void {
    this.freshAsOfMs = -Infinity
  }

  health(): DatabaseReplicaHealth {
    const { name, database, nowMs } = this.options
    const lagMs = nowMs() - this.freshAsOfMs
    return {
      name,
      state: this.state === 'usable' && !this.isUsable ? 'lagging' : this.state,
      latencySeconds: this.latencyMs === null ? null : this.latencyMs / 1_000,
      lagSeconds: Number.isFinite(lagMs) ? lagMs / 1_000 : null,
      outstandingReads: this.outstanding,
      pool: database.poolUsage(),
    }
  }

  private async look(): Promise<void> {
    try {
      this.judge(await this.options.probe.ask())
    } catch (error) {
      this.latencyMs = null
      this.eject('failing', error)
    }
  }

  private judge({ lsn, isReplica, origin, latencyMs }: Position): void {
    const { marks, nowMs, maxLagMs } = this.options
    this.latencyMs = latencyMs
    if (!isReplica || marks.isOf(origin) === false) return this.eject('foreign')
    const reachedMs = marks.reachedAt(lsn)
    if (reachedMs !== null) this.freshAsOfMs = reachedMs
    if (nowMs() - this.freshAsOfMs > maxLagMs) return this.eject('lagging')
    this.wellChecks += 1
    if (this.wellChecks >= WELL_CHECKS) this.admit()
  }

  private admit(): void {
    if (this.state === 'usable') return
    this.state = 'usable'
    this.options.log.info({ replica: this.name }, 'a database replica is read')
  }

  private eject(state: Exclude<State, 'usable' | 'starting'>, err?: unknown): void {
    this.wellChecks = 0
    const { lagSeconds } = this.health()
    // A server that crashed may come back with less than it had shown.
    if (state !== 'lagging') this.forget()
    if (this.state === state) return
    this.state = state
    this.options.log.warn({ replica: this.name, state, lagSeconds, err }, 'a database replica is not read any more')
    if (state !== 'lagging') for (const abandon of this.underWay) abandon()
  }

  /** Reads on a replica that does not answer any more are made elsewhere rather than waited for. */
  private unlessAbandoned<T>(reading: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const abandon = () => reject(new Abandoned())
      this.underWay.add(abandon)
      void reading.then(resolve, reject).finally(() => this.underWay.delete(abandon))
    })
  }
}
