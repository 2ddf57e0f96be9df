import { randomBytes } from 'node:crypto'

import type { Redis } from 'ioredis'

import { redisPattern, type Drop } from './drops.js'
import { CorruptValueError, openEnvelope, seal, unpackedPayload, type Envelope } from './envelope.js'
import type { Lifetime } from './limits.js'
import { valueOf, type PreparedValue } from './prepared-value.js'
import type { RareLog } from '../kernel/rare-log.js'
import { repliesOf, type RedisLink } from './redis-link.js'
import { EVERYTHING, isUnknown, type TagMoment, type TagState, type TagTable } from './tag-table.js'

export interface FoundValue extends Lifetime {
  value: unknown
  payloadBytes: number
  ageMs: number
  /** The tags that it carries, as they are now. */
  moment: TagMoment
}

/** What is to be stored, with the generations of its tags from before it was made. */
export interface NewValue extends Lifetime {
  prepared: PreparedValue
  states: readonly TagState[]
  generations: readonly string[]
  compressOverBytes: number
}

export interface RedisStoreOptions {
  link: RedisLink
  prefix: string
  tags: TagTable
  /** Milliseconds since 1970: ages must mean the same on every machine. */
  now: () => number
  log: RareLog
}

/** `too many`: a pattern would need a walk that is too long, and not all is gone. */
export type Erased = 'gone' | 'failed' | 'too many'

/** Generations outlive the values that name them; one that is gone makes misses, never wrong answers. */
const GENERATION_SECONDS = 7 * 24 * 3_600
const SCAN_COUNT = 500
/** A walk through a million keys. */
const MAX_SCANS = 2_000

/**
 * Values in Redis. Each names the generations of its tags, and counts only while they are the ones that Redis holds: to
 * invalidate a tag is to delete its generation, which also works when Redis has no room. A generation that is missing
 * is made anew with a name never used before, so that a wiped or evicted one lets nothing old come back.
 */
export class RedisStore {
  constructor(private readonly options: RedisStoreOptions) {}

  /** @returns undefined when Redis does not answer; undefined in place of what is not there, is old or is corrupt */
  async read(
    keys: readonly string[],
    states: readonly TagState[],
    circuit: boolean,
  ): Promise<(FoundValue | undefined)[] | undefined> {
    const missing = states.filter(isUnknown)
    const replies = await this.options.link.attempt('read', (redis) => this.fetch(redis, keys, missing), { circuit })
    if (replies === undefined) return undefined
    const envelopes = replies.map((bytes) => (bytes === null ? undefined : this.opened(bytes)))
    const doubtful = this.doubtfulIn(envelopes)
    if (doubtful.size > 0) await this.learn([...doubtful], circuit)
    const values = envelopes.map((envelope) => this.current(envelope))
    return areHere(values) ? values : Promise.all(values.map(async (value) => value))
  }

  /** Asks for the generations that are not known. @returns false when they stay unknown */
  async learn(states: readonly TagState[], circuit: boolean): Promise<boolean> {
    const missing = states.filter(isUnknown)
    if (missing.length > 0)
      await this.options.link.attempt('read', (redis) => this.fetch(redis, [], missing), { circuit })
    return states.every(({ generation }) => generation !== null)
  }

  /** @returns how many bytes compression saved for each; undefined when Redis did not take them */
  async write(
    values: readonly (readonly [key: string, value: NewValue])[],
    circuit: boolean,
  ): Promise<number[] | undefined> {
    const sealed = await Promise.all(values.map(([, value]) => this.sealed(value)))
    const written = await this.options.link.attempt(
      'write',
      (redis) => {
        const pipeline = redis.pipeline()
        values.forEach(([key, { hardMs }], n) =>
          pipeline.set(this.valueKey(key), sealed[n]?.bytes ?? Buffer.alloc(0), 'PX', hardMs),
        )
        return repliesOf(pipeline)
      },
      { circuit, refusable: true },
    )
    return written === undefined ? undefined : sealed.map(({ saved }) => saved)
  }

  async erase({ tags, keys, patterns, all = false }: Drop): Promise<Erased> {
    const names = [...(all ? [EVERYTHING] : []), ...tags].map((tag) => this.generationKey(tag))
    names.push(...keys.map((key) => this.valueKey(key)))
    if (!(await this.unlink(names))) return 'failed'
    for (const pattern of patterns) {
      const erased = await this.eraseMatching(pattern)
      if (erased !== 'gone') return erased
    }
    return 'gone'
  }

  private async eraseMatching(pattern: string): Promise<Erased> {
    const match = redisPattern(this.valueKey('')) + redisPattern(pattern)
    let cursor = '0'
    for (let scan = 0; scan < MAX_SCANS; scan += 1) {
      const from = cursor
      const page = await this.options.link.attempt('scan', (redis) =>
        redis.scan(from, 'MATCH', match, 'COUNT', SCAN_COUNT),
      )
      if (page === undefined || !(await this.unlink(page[1]))) return 'failed'
      cursor = page[0]
      if (cursor === '0') return 'gone'
    }
    return 'too many'
  }

  /** Each key by itself: in a cluster they lie apart. */
  private async unlink(names: readonly string[]): Promise<boolean> {
    if (names.length === 0) return true
    const replies = await this.options.link.attempt(
      'erase',
      (redis) => repliesOf(names.reduce((pipeline, name) => pipeline.unlink(name), redis.pipeline())),
      { refusable: true },
    )
    return replies !== undefined
  }

  /** The values, and on the same way the generations that are missing. */
  private async fetch(redis: Redis, keys: readonly string[], missing: readonly TagState[]): Promise<(Buffer | null)[]> {
    const names = keys.map((key) => this.valueKey(key))
    const [only] = names
    if (missing.length === 0) {
      if (only === undefined) return []
      return names.length === 1 ? [await redis.getBuffer(only)] : await redis.mgetBuffer(names)
    }
    const pipeline = redis.pipeline()
    // One command for all: a pipeline of a hundred takes longer than what it asks for.
    const first = only === undefined ? 0 : 1
    if (first === 1) pipeline.mgetBuffer(names)
    const asked = missing.map((state) => ({ state, version: state.version }))
    for (const { tag } of missing) {
      const name = this.generationKey(tag)
      pipeline.set(name, randomBytes(9).toString('base64url'), 'EX', GENERATION_SECONDS, 'NX').get(name)
    }
    const results = (await pipeline.exec()) ?? []
    const replyAt = (index: number): unknown => {
      const [error, reply] = results[index] ?? [new Error('a reply is missing'), null]
      if (error !== null) throw error
      return reply
    }
    asked.forEach(({ state, version }, n) => {
      // The making of a generation may be refused for want of room; reading it may not.
      const generation = replyAt(first + 2 * n + 1)
      if (typeof generation === 'string' && state.version === version) state.generation = generation
    })
    return first === 0 ? [] : (replyAt(0) as (Buffer | null)[])
  }

  private opened(bytes: Buffer): Envelope | undefined {
    try {
      return openEnvelope(bytes)
    } catch (err) {
      this.report(err)
      return undefined
    }
  }

  /** Tags of which the values name other generations than are known: what is known may be out of date, as after a wipe. */
  private doubtfulIn(envelopes: readonly (Envelope | undefined)[]): Set<TagState> {
    const doubtful = new Set<TagState>()
    for (const envelope of envelopes) {
      if (envelope === undefined) continue
      for (const [tag, generation] of envelope.generations) {
        const state = this.options.tags.of(tag)
        if (state.generation === generation) continue
        state.generation = null
        doubtful.add(state)
      }
    }
    return doubtful
  }

  private current(envelope: Envelope | undefined): Late<FoundValue | undefined> {
    if (envelope === undefined) return undefined
    const { tags, now } = this.options
    const { hardMs, generations } = envelope
    if (!tags.areCurrent(generations)) return undefined
    const ageMs = Math.max(0, now() - envelope.madeAtMs)
    if (ageMs >= hardMs) return undefined
    const moment = tags.momentOf(generations)
    try {
      const payload = unpackedPayload(envelope)
      return payload instanceof Promise
        ? payload
            .then((late) => foundIn(envelope, late, ageMs, moment))
            .catch((err: unknown) => {
              this.report(err)
              return undefined
            })
        : foundIn(envelope, payload, ageMs, moment)
    } catch (err) {
      this.report(err)
      return undefined
    }
  }

  /** The key is not told: it may hold what nobody should read in a log. */
  private report(err: unknown): void {
    if (!(err instanceof CorruptValueError || err instanceof SyntaxError)) throw err
    this.options.log.warn({ err }, 'a value in Redis could not be read; it counts as missing')
  }

  private sealed({ prepared, states, generations, freshMs, hardMs, compressOverBytes }: NewValue) {
    const named = states.map(({ tag }, n) => [tag, generations[n] ?? ''] as const)
    return seal(prepared, {
      ...{ freshMs, hardMs, compressOverBytes },
      madeAtMs: this.options.now(),
      generations: named,
    })
  }

  private valueKey(key: string): string {
    return `${this.options.prefix}:v:${key}`
  }

  private generationKey(tag: string): string {
    return `${this.options.prefix}:g:${tag}`
  }
}

type Late<T> = T | Promise<T>

const areHere = <T>(values: Late<T>[]): values is T[] => !values.some((value) => value instanceof Promise)

const foundIn = (
  { kind, freshMs, hardMs }: Envelope,
  payload: Buffer,
  ageMs: number,
  moment: TagMoment,
): FoundValue => ({
  value: valueOf(kind, payload),
  payloadBytes: payload.length,
  ...{ ageMs, freshMs, hardMs, moment },
})
