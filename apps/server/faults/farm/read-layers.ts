import { randomBytes } from 'node:crypto'

import { Redis } from 'ioredis'

import type { PostgresProcess } from '../../processes/postgres-process.js'
import { startRedisServer, type RedisServer } from '../../processes/redis-server.js'
import type { Address, TcpProxy } from './tcp-proxy.js'

/** What stands before the primary when lists are read. */
export interface ReadLayers {
  redis: FarmRedis
  replicas: readonly [PostgresProcess, PostgresProcess]
}

const COMMAND_MS = 5_000
/** Longer than any value that is kept, and of no form that anybody writes. */
const GARBAGE_BYTES = 200

/** The Redis of a farm: each instance reaches it by a proxy of its own, and the bench directly. */
export class FarmRedis {
  private behind: Redis | null = null

  private constructor(
    private server: RedisServer,
    /** One per instance, between it and Redis. */
    readonly links: TcpProxy[] = [],
  ) {}

  static async start(): Promise<FarmRedis> {
    return new FarmRedis(await startRedisServer())
  }

  get address(): Address {
    const { host, port } = this.server
    return { host, port }
  }

  get url(): string {
    return this.server.url
  }

  /** Ends it at once, with all it holds. */
  async kill(): Promise<void> {
    this.behind?.disconnect()
    this.behind = null
    await this.server.stop()
  }

  /** On the same port, with nothing in it. */
  async restart(): Promise<void> {
    this.server = await startRedisServer({ port: this.server.port })
  }

  async wipe(): Promise<void> {
    await this.asAdmin().flushall()
  }

  /** It takes nothing new, until it is given room again. */
  async fill(isFull: boolean): Promise<void> {
    await this.asAdmin().config('SET', 'maxmemory-policy', 'noeviction')
    await this.asAdmin().config('SET', 'maxmemory', isFull ? '1' : '0')
  }

  /** Puts something senseless in the place of every value. @returns how many there were */
  async spoil(): Promise<number> {
    const redis = this.asAdmin()
    const keys = await redis.keys('*')
    for (const key of keys) await redis.set(key, randomBytes(GARBAGE_BYTES), 'KEEPTTL')
    return keys.length
  }

  async stop(): Promise<void> {
    for (const link of this.links) await link.stop()
    await this.kill()
  }

  private asAdmin(): Redis {
    this.behind ??= new Redis(this.server.port, { commandTimeout: COMMAND_MS }).on('error', () => undefined)
    return this.behind
  }
}
