import type { CacheBreakerState } from '@gantry/schemas'
import { Redis, type ChainableCommander } from 'ioredis'

import type { Timers } from '../kernel/clock.js'
import { CircuitBreaker } from './circuit-breaker.js'
import type { RareLog } from '../kernel/rare-log.js'

export interface RedisTimings {
  /** After this long a call is given up. */
  commandMs: number
  /** A call that takes longer counts against Redis, even when it succeeds. */
  slowMs: number
  /** How often this process shows that it is there. Each time is also a call that the breaker sees. */
  beatMs: number
}

/** Together they let the breaker open within a second of Redis' falling silent, whether or not anybody reads. */
export const REDIS_TIMINGS: RedisTimings = { commandMs: 250, slowMs: 100, beatMs: 200 }

export interface RedisLinkOptions {
  url: string
  clock: Timers
  log: RareLog
  timings: RedisTimings
  /** Told of each call that was made. */
  observe: (operation: string, seconds: number) => void
}

/** A dead link is given up after this time; the defaults would never do so. */
const SOCKET_SILENCE_MS = 3_000
const CONNECT_MS = 2_000
const LONGEST_RECONNECT_PAUSE_MS = 1_000

const connectTo = (url: string, commandTimeout: number): Redis =>
  new Redis(url, {
    commandTimeout,
    socketTimeout: SOCKET_SILENCE_MS,
    connectTimeout: CONNECT_MS,
    keepAlive: 5_000,
    // A cache that waits is no cache: without a connection every call fails at once.
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    // What was given up must not happen later.
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    retryStrategy: (times) => Math.min(LONGEST_RECONNECT_PAUSE_MS, 50 * 2 ** Math.min(times, 5)),
    lazyConnect: true,
  })

const isReply = (error: unknown): boolean => error instanceof Error && error.name === 'ReplyError'

/** A connection to Redis, and the one door through which every call goes: deadline, breaker, log and numbers. */
export class RedisCalls {
  private readonly commands: Redis
  private readonly breaker: CircuitBreaker

  constructor(protected readonly options: RedisLinkOptions) {
    const { clock, log } = options
    this.commands = this.connection()
    this.breaker = new CircuitBreaker({
      clock,
      probe: async () => (await this.measured('probe', (redis) => redis.ping())).good,
      onChange: (state) => {
        if (state === 'open') log.warn({}, 'Redis fails or is slow, and is left alone for a while')
        if (state === 'closed') log.warn({}, 'Redis answers well again, and is used')
      },
    })
  }

  /** Does not wait: who calls knows what to do without Redis. */
  start(): void {
    this.commands.connect().catch(() => undefined)
  }

  stop(): void {
    this.breaker.stop()
    this.commands.disconnect()
  }

  get connected(): boolean {
    return this.commands.status === 'ready'
  }

  get breakerState(): CacheBreakerState {
    return this.breaker.state
  }

  /** @param circuit false to try even while the breaker is open */
  allows(circuit: boolean): boolean {
    return !circuit || this.breaker.state === 'closed'
  }

  /**
   * Never throws, and takes no longer than a command may take.
   * @param options.refusable an answer that says no (no room, read-only) is about this call, and not about Redis' health
   * @returns undefined when it failed, or was not tried
   */
  async attempt<T>(
    operation: string,
    call: (redis: Redis) => Promise<T>,
    { circuit = true, refusable = false }: { circuit?: boolean; refusable?: boolean } = {},
  ): Promise<T | undefined> {
    if (!this.allows(circuit)) return undefined
    const { value, error, good } = await this.measured(operation, call)
    this.breaker.record(good || (refusable && isReply(error)))
    return value
  }

  protected connection(): Redis {
    const { url, log, timings } = this.options
    return connectTo(url, timings.commandMs).on('error', (err) => log.warn({ err }, 'Redis cannot be reached'))
  }

  private async measured<T>(operation: string, call: (redis: Redis) => Promise<T>) {
    const { clock, timings, log, observe } = this.options
    const beganMs = clock.monotonicMs()
    try {
      const value = await call(this.commands)
      const ms = clock.monotonicMs() - beganMs
      observe(operation, ms / 1_000)
      return { value, error: undefined, good: ms <= timings.slowMs }
    } catch (error) {
      observe(operation, (clock.monotonicMs() - beganMs) / 1_000)
      log.warn({ err: error, operation }, 'a call to Redis failed')
      return { value: undefined, error, good: false }
    }
  }
}

/** Calls, and a second connection that listens. */
export class RedisLink extends RedisCalls {
  readonly subscriber = this.connection()

  override start(): void {
    super.start()
    this.subscriber.connect().catch(() => undefined)
  }

  override stop(): void {
    super.stop()
    this.subscriber.disconnect()
  }
}

/** The replies of a pipeline. @throws the first error among them */
export const repliesOf = async (pipeline: ChainableCommander): Promise<unknown[]> => {
  const results = (await pipeline.exec()) ?? []
  return results.map(([error, reply]) => {
    if (error !== null) throw error
    return reply
  })
}
