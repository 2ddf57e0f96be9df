import type { CacheStrategy } from '@gantry/schemas'

import type { CacheLoadOptions, LoadContext } from '../kernel/cache.port.js'
import type { Timers } from '../kernel/clock.js'
import type { CacheCounters } from './cache-counters.js'
import { Flights, type Flight } from './flights.js'
import { checkKeys, checkTags, lifetimeOf, MAX_VALUE_BYTES, type Lifetime } from './limits.js'
import type { MemoryLayer } from './memory-layer.js'
import { prepare, type PreparedValue } from './prepared-value.js'
import type { RareLog } from '../kernel/rare-log.js'
import type { RedisLayer } from './redis-layer.js'
import type { FoundValue } from './redis-store.js'
import { isCurrent, type TagMoment, type TagTable } from './tag-table.js'

export interface LoadsOptions {
  clock: Timers
  memory: MemoryLayer
  tags: TagTable
  counters: CacheCounters
  log: RareLog
  /** Redis, when it may be read now. */
  redis: (circuit: boolean) => RedisLayer | null
  compressOverBytes: (options: { compress?: boolean }) => number
}

type Load = (context: LoadContext) => Promise<unknown>

interface Plan extends CacheLoadOptions, Lifetime {
  load: Load
  strategy: CacheStrategy
}

/** Values that are found in Redis or loaded, once per key however many ask. */
export class Loads {
  readonly flights = new Flights()

  constructor(private readonly options: LoadsOptions) {}

  /** @throws what `load` throws; RangeError and TypeError */
  fetch(key: string, load: Load, options: CacheLoadOptions & { strategy: CacheStrategy }): Promise<unknown> {
    const nowMs = this.options.clock.monotonicMs()
    this.options.counters.of(key).memory.misses += 1
    const flight = this.flights.joinable(key, nowMs)
    return flight?.landing ?? this.fly(key, this.planned(key, load, options), true)
  }

  isUnderway(key: string): boolean {
    return this.flights.joinable(key, this.options.clock.monotonicMs()) !== undefined
  }

  /** What a load under way brings; undefined when there is none, or it fails. */
  async underway(key: string): Promise<unknown> {
    const flight = this.flights.joinable(key, this.options.clock.monotonicMs())
    if (flight === undefined) return undefined
    this.options.counters.of(key).memory.misses += 1
    // Whoever began it hears of the failure.
    return flight.landing.catch(() => undefined)
  }

  /** Loads anew for those who come later, unless that is under way. */
  refreshBehind(key: string, load: Load, options: CacheLoadOptions & { strategy: CacheStrategy }): void {
    if (this.flights.joinable(key, this.options.clock.monotonicMs()) !== undefined) return
    this.fly(key, this.planned(key, load, options), false).catch((err: unknown) =>
      this.options.log.warn({ err }, 'a value could not be loaded anew; the old one stays until its hard limit'),
    )
  }

  private planned(key: string, load: Load, options: CacheLoadOptions & { strategy: CacheStrategy }): Plan {
    checkKeys([key])
    checkTags(options.tags ?? [])
    return { ...options, load, ...lifetimeOf(options) }
  }

  private fly(key: string, plan: Plan, staleWillDo: boolean): Promise<unknown> {
    const { tags, clock } = this.options
    const flight: Flight = {
      ...tags.moment(plan.tags ?? []),
      beganMs: clock.monotonicMs(),
      kept: true,
      landing: Promise.resolve(),
    }
    this.flights.begin(key, flight)
    flight.landing = this.lookThenLoad(key, plan, flight, staleWillDo).finally(() => this.flights.end(key, flight))
    return flight.landing
  }

  private async lookThenLoad(key: string, plan: Plan, flight: Flight, staleWillDo: boolean): Promise<unknown> {
    const redis = this.options.redis(plan.circuit ?? true)
    const found = redis === null ? undefined : await this.inRedis(redis, key, plan, flight)
    if (found !== undefined) {
      const counts = this.options.counters.of(key).redis
      if (found.ageMs < found.freshMs - 1_000 * (plan.minFresh ?? 0)) {
        counts.hits += 1
        return found.value
      }
      if (staleWillDo && plan.strategy === 'swr') {
        counts.staleHits += 1
        this.flights.end(key, flight)
        this.refreshBehind(key, plan.load, plan)
        return found.value
      }
    }
    if (redis !== null) this.options.counters.of(key).redis.misses += 1
    return this.load(key, plan, flight)
  }

  private async inRedis(redis: RedisLayer, key: string, plan: Plan, flight: Flight): Promise<FoundValue | undefined> {
    const found = await redis.read([key], flight.states, plan.circuit ?? true)
    if (found === undefined) this.options.counters.of(key).redis.errors += 1
    const value = found?.[0]
    if (value !== undefined && flight.kept) this.remember(key, value)
    return value
  }

  /** Keeps in memory what was found in Redis. */
  remember(key: string, { value, payloadBytes: valueBytes, ageMs, freshMs, hardMs, moment }: FoundValue): void {
    const { memory, clock, counters } = this.options
    const madeAtMs = clock.monotonicMs() - ageMs
    memory.put(key, { value, valueBytes, madeAtMs, freshMs, hardMs, moment, counters: counters.of(key) })
  }

  private async load(key: string, plan: Plan, flight: Flight): Promise<unknown> {
    const counters = this.options.counters.of(key)
    // Those from before the load: should they have changed unheard, what is stored with them counts for nothing.
    const generations = flight.states.map(({ generation }) => generation)
    counters.loads += 1
    let loaded: unknown
    try {
      loaded = await plan.load({ invalidatedAtMs: lastInvalidated(flight) })
    } catch (error) {
      counters.loadFailures += 1
      throw error
    }
    const prepared = prepare(loaded)
    if (prepared !== null && flight.kept && isCurrent(flight)) this.keep(key, prepared, plan, flight, generations)
    return prepared?.value
  }

  private keep(
    key: string,
    prepared: PreparedValue,
    plan: Plan,
    moment: TagMoment,
    generations: readonly (string | null)[],
  ): void {
    const { clock, memory, counters, compressOverBytes } = this.options
    const { freshMs, hardMs, circuit = true } = plan
    const { value, payload } = prepared
    const { states } = moment
    memory.put(key, {
      ...{ value, valueBytes: payload.length, madeAtMs: clock.monotonicMs() },
      ...{ freshMs, hardMs, moment, counters: counters.of(key) },
    })
    const known = generations.filter((generation) => generation !== null)
    const redis = this.options.redis(circuit)
    if (redis === null || known.length < states.length || payload.length > MAX_VALUE_BYTES) return
    const stored = { prepared, states, generations: known, freshMs, hardMs, compressOverBytes: compressOverBytes(plan) }
    // Nobody waits for it: whoever loaded has the value.
    redis.keep(key, stored, circuit).then(
      (saved) => {
        const group = counters.of(key)
        if (saved === undefined) group.redis.errors += 1
        else group.savedBytes += saved
      },
      (err: unknown) => this.options.log.warn({ err }, 'a value could not be packed for Redis'),
    )
  }
}

const lastInvalidated = ({ states }: Flight): number =>
  states.reduce((latest, { invalidatedAtMs }) => Math.max(latest, invalidatedAtMs), -Infinity)
