import type { DatabaseReplicaHealth } from '@gantry/schemas'

import type { Actor } from '../../kernel/actor.js'
import type { ReadObserver } from '../../kernel/database-observer.port.js'
import type { Logger } from '../../kernel/logger.port.js'
import type { AnyReads, Primary } from '../../kernel/reads.port.js'
import type { Database } from '../client.js'
import type { Repositories } from '../repositories.js'
import type { OwnWrites } from './own-writes.js'
import { PrimaryMarks } from './primary-marks.js'
import type { Probe } from './probe.js'
import { Replica } from './replica.js'

export interface ReplicaConnection {
  name: string
  database: Database
  /** @param onLost to be called when its connection breaks */
  openProbe: (onLost: () => void) => Pick<Probe, 'ask' | 'close'>
}

export interface ReplicaSetOptions {
  primary: Primary<Repositories>
  primaryProbe: Pick<Probe, 'ask'>
  replicas: readonly ReplicaConnection[]
  ownWrites: OwnWrites
  maxLagMs: number
  observer: ReadObserver
  log: Logger
  nowMs: () => number
}

const CHECK_EVERY_MS = 250

/** Spreads reads over the replicas that are well and fresh enough; the primary serves what none of them may. */
export class ReplicaSet implements AnyReads<Repositories> {
  private readonly marks = new PrimaryMarks()
  private readonly replicas: readonly Replica[]
  private readonly probes: Pick<Probe, 'ask' | 'close'>[] = []
  private readonly nowMs: () => number
  private timer: NodeJS.Timeout | undefined
  private checking: Promise<void> | null = null
  private stopped = false
  /** Null until every replica has been looked at. */
  private anyUsable: boolean | null = null
  private turn = 0

  constructor(private readonly options: ReplicaSetOptions) {
    const { replicas, maxLagMs, log, nowMs } = options
    this.nowMs = nowMs
    this.replicas = replicas.map(({ name, database, openProbe }) => {
      const probe = openProbe(() => replica.lost())
      this.probes.push(probe)
      const replica: Replica = new Replica({ name, database, probe, marks: this.marks, maxLagMs, log, nowMs })
      return replica
    })
  }

  start(): void {
    if (this.replicas.length > 0 && !this.stopped) this.lookAgainIn(0)
  }

  async stop(): Promise<void> {
    this.stopped = true
    clearTimeout(this.timer)
    await this.checking
    const databases = this.options.replicas.map(({ database }) => database)
    await Promise.all([...databases, ...this.probes].map((connection) => connection.close()))
  }

  async read<T>(actor: Actor, work: (repositories: Repositories) => Promise<T>): Promise<T> {
    const { primary, ownWrites, observer } = this.options
    const sinceMs = Math.max(ownWrites.lastOf(actor.id), actor.readsAsOfMs ?? -Infinity)
    const tried = new Set<Replica>()
    for (let replica = this.choose(sinceMs, tried); replica !== null; replica = this.choose(sinceMs, tried)) {
      tried.add(replica)
      const answer = await replica.serve(work)
      if (answer === null) continue
      observer.readServed('replica')
      return answer.value
    }
    if (this.replicas.length > 0) observer.readServed(this.usable === 0 ? 'primary_alone' : 'primary_fresh')
    return work(primary)
  }

  get usable(): number {
    return this.replicas.filter(({ isUsable }) => isUsable).length
  }

  health(): DatabaseReplicaHealth[] {
    return this.replicas.map((replica) => replica.health())
  }

  /** The one with the fewest reads under way; among equals each has its turn. */
  private choose(sinceMs: number, tried: ReadonlySet<Replica>): Replica | null {
    const able = this.replicas.filter((replica) => !tried.has(replica) && replica.mayServe(sinceMs))
    if (able.length === 0) return null
    const fewest = Math.min(...able.map(({ outstanding }) => outstanding))
    const equals = able.filter(({ outstanding }) => outstanding === fewest)
    this.turn = (this.turn + 1) % equals.length
    return equals[this.turn] ?? null
  }

  private lookAgainIn(ms: number): void {
    this.timer = setTimeout(() => {
      this.checking = this.check().finally(() => {
        if (!this.stopped) this.lookAgainIn(CHECK_EVERY_MS)
      })
    }, ms)
  }

  /** The primary first: what it has by now is what the replicas are measured by. They do not wait for each other. */
  private async check(): Promise<void> {
    const atMs = this.nowMs()
    try {
      const { lsn, isReplica, origin } = await this.options.primaryProbe.ask()
      if (!isReplica && !this.marks.put(atMs, lsn, origin)) for (const replica of this.replicas) replica.forget()
    } catch (err) {
      this.options.log.debug({ err }, 'the primary does not say where it stands')
    }
    for (const replica of this.replicas) void replica.check().then(() => this.tell())
    this.tell()
  }

  private tell(): void {
    if (this.stopped || !this.replicas.every(({ hasBegun }) => hasBegun)) return
    const anyUsable = this.usable > 0
    if (anyUsable === this.anyUsable) return
    this.anyUsable = anyUsable
    const { observer, log } = this.options
    observer.replicasChanged(anyUsable)
    if (anyUsable) log.info({}, 'lists are read from database replicas')
    else log.warn({ replicas: this.replicas.length }, 'no database replica can be read; the primary serves all reads')
  }
}
