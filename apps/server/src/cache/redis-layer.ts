import type { CacheStats } from '@gantry/schemas'

import { dropOf, DropSum, type Drop } from './drops.js'
import type { Lifetime } from './limits.js'
import type { PreparedValue } from './prepared-value.js'
import { RedisLane } from './redis-lane.js'
import { RedisLink, type RedisLinkOptions } from './redis-link.js'
import { RedisStore, type FoundValue, type NewValue } from './redis-store.js'
import { EVERYTHING, isCurrent, type TagMoment, type TagState, type TagTable } from './tag-table.js'

export interface RedisLayerOptions extends RedisLinkOptions {
  prefix: string
  instanceId: string
  tags: TagTable
  /** Called before and whenever messages may have been missed. */
  onMissed: () => void
  onOwnBeat: () => void
  onDrop: (drop: Drop, marks: readonly string[]) => void
}

export type PreparedEntry = readonly [key: string, prepared: PreparedValue]

export interface Replacement extends Lifetime {
  moment: TagMoment
  compressOverBytes: number
}

/** Drops that are ordered in the same moment, as by a batch of events. */
interface Batch {
  sum: DropSum
  marks: string[]
  states: TagState[]
  done: Promise<void>
}

/** For this long a process that has just come listens for another one that has kept Redis in step. */
const FIRST_LISTEN_MS = 700

/**
 * The layer in Redis. What Redis holds counts only while this process owes it no invalidation: one that could not be
 * carried out is owed, and until it is made good nothing is read from there. A process that comes owes everything, since
 * nobody knows what was missed before it, unless another one shows that it has been in step.
 */
export class RedisLayer {
  private readonly link: RedisLink
  private readonly store: RedisStore
  private readonly lane: RedisLane
  private readonly owed = new DropSum()
  private batch: Batch | null = null
  private paying = false
  /** False until this process has been in step once. */
  private begun = false
  private listeningSinceMs: number | null = null

  constructor(private readonly options: RedisLayerOptions) {
    const { prefix, tags, log, instanceId, clock, timings } = options
    this.link = new RedisLink(options)
    this.store = new RedisStore({ link: this.link, prefix, tags, now: () => clock.now(), log })
    this.lane = new RedisLane({
      ...{ link: this.link, channel: `${prefix}:lane`, instanceId, beatMs: timings.beatMs, clock, log },
      isInStep: () => this.inStep,
      onListening: () => this.listening(),
      onOwnBeat: options.onOwnBeat,
      onPeerInStep: () => this.peerInStep(),
      onDrop: options.onDrop,
      onTick: () => void this.pay(),
    })
    this.owed.add(dropOf({ all: true }))
  }

  start(): void {
    this.lane.start()
    this.link.start()
  }

  stop(): void {
    this.lane.stop()
    this.link.stop()
  }

  /** Whether a call would be made now. */
  isUsable(circuit: boolean): boolean {
    return this.inStep && this.link.allows(circuit)
  }

  /** @returns undefined when Redis did not answer, or must not be believed */
  async read(
    keys: readonly string[],
    states: readonly TagState[],
    circuit: boolean,
  ): Promise<(FoundValue | undefined)[] | undefined> {
    const found = await this.store.read(keys, states, circuit)
    // Something may have come to be owed while it was on its way.
    return this.inStep ? found : undefined
  }

  /** Keeps what was loaded. @returns how many bytes compression saved; undefined when Redis did not take it */
  async keep(key: string, value: NewValue, circuit: boolean): Promise<number | undefined> {
    return this.isUsable(circuit) ? (await this.store.write([[key, value]], circuit))?.[0] : undefined
  }

  /**
   * Writes in place of what was there: should that fail, the old value goes. The others let go of their copies.
   * @returns how many bytes compression saved for each
   */
  async replace(values: readonly PreparedEntry[], to: Replacement, circuit: boolean): Promise<number[] | undefined> {
    const keys = values.map(([key]) => key)
    const saved = this.isUsable(circuit) ? await this.writeNow(values, to, circuit) : undefined
    if (saved === undefined) await this.drop(dropOf({ keys }), [])
    else await this.lane.tell(dropOf({ keys }), [])
    return saved
  }

  /**
   * Carried out together with what else is ordered now, or owed. Settles when either is so.
   * @param marks names of the events that are carried out by it
   */
  drop(drop: Drop, marks: readonly string[]): Promise<void> {
    if (!this.inStep) {
      this.owed.add(drop)
      return Promise.resolve()
    }
    this.batch ??= { sum: new DropSum(), marks: [], states: [], done: Promise.resolve().then(() => this.eraseBatch()) }
    this.batch.sum.add(drop)
    this.batch.marks.push(...marks)
    for (const tag of drop.all === true ? [EVERYTHING] : drop.tags) {
      const state = this.options.tags.of(tag)
      state.erasures += 1
      this.batch.states.push(state)
    }
    return this.batch.done
  }

  stats(): CacheStats['redis'] {
    const { connected, breakerState: breaker } = this.link
    return { connected, breaker, inStep: this.inStep }
  }

  private async writeNow(values: readonly PreparedEntry[], { moment, ...rest }: Replacement, circuit: boolean) {
    const { states } = moment
    if (!(await this.store.learn(states, circuit)) || !isCurrent(moment)) return undefined
    const generations = states.map(({ generation }) => generation ?? '')
    const news = values.map(([key, prepared]) => [key, { prepared, states, generations, ...rest }] as const)
    return this.store.write(news, circuit)
  }

  private async eraseBatch(): Promise<void> {
    const { batch } = this
    if (batch === null) return
    this.batch = null
    const drop = batch.sum.take()
    if (!(await this.eraseAndTell(drop, batch.marks))) this.owed.add(drop)
    for (const state of batch.states) state.erasures -= 1
  }

  private get inStep(): boolean {
    return this.owed.isEmpty && !this.paying
  }

  private listening(): void {
    const { clock, onMissed } = this.options
    this.listeningSinceMs = clock.monotonicMs()
    onMissed()
  }

  private peerInStep(): void {
    if (this.begun || this.paying) return
    this.begun = true
    this.owed.take()
  }

  private async pay(): Promise<void> {
    if (this.inStep || this.paying || !this.link.allows(true) || !this.mayPay()) return
    this.paying = true
    const drop = this.owed.take()
    const paid = await this.eraseAndTell(drop, [])
    if (paid) this.begun = true
    else this.owed.add(drop)
    this.paying = false
  }

  private mayPay(): boolean {
    if (this.listeningSinceMs === null) return false
    return this.begun || this.options.clock.monotonicMs() - this.listeningSinceMs >= FIRST_LISTEN_MS
  }

  /** The others are told after it is done, so that whoever hears of it may rely on it. */
  private async eraseAndTell(drop: Drop, marks: readonly string[]): Promise<boolean> {
    const erased = await this.store.erase(drop)
    if (erased === 'too many') {
      this.options.log.warn({}, 'a pattern has too many keys to walk through; everything is dropped')
      const everything = dropOf({ all: true })
      this.options.onDrop(everything, [])
      return this.eraseAndTell(everything, marks)
    }
    if (erased === 'failed') return false
    await this.lane.tell(drop, marks)
    return true
  }
}
