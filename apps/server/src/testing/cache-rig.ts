import { randomUUID } from 'node:crypto'

import { startCache, type CacheSettings, type StartedCache } from '../cache/create-cache.js'
import type { RedisTimings } from '../cache/redis-link.js'
import {
  systemClock,
  type EventBus,
  type EventFreshness,
  type NewEvent,
  type StoredEvent,
  type Timers,
} from '../kernel/index.js'
import { ManualClock } from './manual-clock.js'
import { recordingLogger, type RecordingLogger } from './recording-logger.js'

/** Stored events as one process hears of them; while it is deaf they wait for it. */
class Ear implements EventFreshness {
  readonly onEvent = new Set<(event: StoredEvent) => void>()
  readonly onRecorded = new Set<(events: readonly NewEvent[]) => void>()
  readonly onGap = new Set<() => void>()
  private waiting: StoredEvent[] = []
  private deafSinceMs: number | null = null

  constructor(private readonly clock: Timers) {}

  currentAsOfMs(): number {
    return this.deafSinceMs ?? this.clock.monotonicMs()
  }

  tell(event: StoredEvent): void {
    if (this.deafSinceMs !== null) this.waiting.push(event)
    else for (const handler of this.onEvent) handler(event)
  }

  deafen(): void {
    this.deafSinceMs ??= this.clock.monotonicMs()
  }

  heal(): void {
    this.deafSinceMs = null
    for (const event of this.waiting.splice(0)) this.tell(event)
  }
}

export interface CacheInstance extends StartedCache {
  log: RecordingLogger
  /** Calls to Redis so far, by operation. */
  calls: Record<string, number>
  /** Stored events no longer reach it, and it knows. */
  deafen(): void
  heal(): void
  /** It has stored these itself, and hears of them by the database later. */
  record(...events: NewEvent[]): void
  /** Events were removed before it had read them. */
  gap(): void
}

export interface CacheRigOptions {
  clock?: Timers
  settings?: Partial<CacheSettings>
  /** Long ones by default: what a busy machine makes late is no fault of Redis. */
  timings?: RedisTimings
}

const PATIENT: RedisTimings = { commandMs: 5_000, slowMs: 5_000, beatMs: 50 }

/** Several processes' caches that hear the same stored events at once. */
export class CacheRig implements AsyncDisposable {
  private readonly ears: Ear[] = []
  private readonly instances: CacheInstance[] = []
  private events = 0
  /** When set, events cannot be stored. */
  storingFails = false

  constructor(private readonly options: CacheRigOptions = {}) {}

  start(own: CacheRigOptions = {}): CacheInstance {
    const { clock = systemClock, settings, timings = PATIENT } = { ...this.options, ...own }
    const ear = new Ear(clock)
    this.ears.push(ear)
    const log = recordingLogger()
    const calls: Record<string, number> = {}
    const started = startCache({
      settings: {
        ...{ strategy: 'simple', compressOverBytes: 1_024, redis: null },
        memory: { maxEntries: 10_000, maxBytes: 64 * 1024 * 1024 },
        ...settings,
      },
      bus: endOf(ear),
      records: {
        invalidated: (mark, { tags, keys, patterns }) =>
          this.store({
            ...{ type: 'cache.invalidated', subjectType: 'cache', subjectId: mark },
            payload: { tags, keys, patterns },
          }),
        strategyChanged: (strategy) =>
          this.store({
            type: 'cache.strategy_changed',
            subjectType: 'cache',
            subjectId: 'cache',
            payload: { strategy },
          }),
      },
      instanceId: randomUUID(),
      observe: (operation) => (calls[operation] = (calls[operation] ?? 0) + 1),
      ...{ clock, log, timings },
    })
    const instance: CacheInstance = {
      ...{ cache: started.cache, log, calls },
      stop: () => started.stop(),
      deafen: () => ear.deafen(),
      heal: () => ear.heal(),
      record: (...events) => ear.onRecorded.forEach((handler) => handler(events)),
      gap: () => ear.onGap.forEach((handler) => handler()),
    }
    this.instances.push(instance)
    return instance
  }

  /** An event is stored, and every process hears of it. */
  store(event: NewEvent): Promise<void> {
    if (this.storingFails) return Promise.reject(new Error('the database is away'))
    this.events += 1
    const scope = { printerGroupId: null, projectId: null, actorId: null }
    const stored: StoredEvent = { ...scope, cursor: `${this.events}-0`, createdAt: new Date(0), ...event }
    for (const ear of this.ears) ear.tell(stored)
    return Promise.resolve()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.instances.map((instance) => instance.stop()))
  }
}

const endOf = (ear: Ear): Pick<EventBus, 'onEvent' | 'onRecorded' | 'onGap'> & EventFreshness => ({
  currentAsOfMs: () => ear.currentAsOfMs(),
  onEvent: (handler) => {
    ear.onEvent.add(handler)
    return () => ear.onEvent.delete(handler)
  },
  onRecorded: (handler) => {
    ear.onRecorded.add(handler)
    return () => ear.onRecorded.delete(handler)
  },
  onGap: (handler) => {
    ear.onGap.add(handler)
    return () => ear.onGap.delete(handler)
  },
})

/** One instance with memory alone, whose time the test holds. */
export const openMemoryCache = (options: CacheRigOptions = {}) => {
  const clock = new ManualClock()
  const rig = new CacheRig({ clock, ...options })
  const instance = rig.start()
  return { clock, rig, instance, cache: instance.cache }
}

/** Loads numbers, one higher each time; by hand when it is told to wait. */
export const countingLoader = () => {
  const gates: (() => void)[] = []
  const loader = {
    loads: 0,
    waits: false,
    load: async (): Promise<{ n: number }> => {
      loader.loads += 1
      const n = loader.loads
      if (loader.waits) await new Promise<void>((resolve) => gates.push(resolve))
      return { n }
    },
    land: () => {
      for (const open of gates.splice(0)) open()
    },
  }
  return loader
}

/** Lets happen what needs no further waiting. */
export const soon = () => new Promise(setImmediate)
