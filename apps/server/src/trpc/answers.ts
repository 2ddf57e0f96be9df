import { LRUCache } from 'lru-cache'
import superjson from 'superjson'

import type { Actor } from '../kernel/actor.js'
import type { Cache, Cached, LoadContext } from '../kernel/cache.port.js'
import { serializeOutput } from '../kernel/output-serializer.js'
import { sightOf } from '../kernel/sight.js'
import type { CacheRule } from './cache-rule.js'

type Serialized = ReturnType<typeof superjson.serialize>

/** So many different inputs are known by how they were written; the rest goes through the parser. */
const MOST_INPUTS = 10_000
/** Longer ones are not remembered. */
const LONGEST_INPUT = 2_000

/**
 * Whose answer it is: two actors have the same only when they may ask and see the same. Whatever else of an actor comes
 * to decide that belongs in here.
 */
const readerOf = (actor: Actor | null, { scope }: CacheRule): string => {
  if (actor === null) return 'nobody'
  const sees = sightOf(actor)
  return scope === 'shared' ? sees : `${sees}.${actor.kind}.${actor.id}`
}

/**
 * Finished answers to queries, as the bytes that tRPC sends for one call. They are stored by procedure, parsed input,
 * reader and build: what another version of the server made is never answered.
 */
export class Answers {
  /** Which parsed input a written one stands for. */
  private readonly inputs = new LRUCache<string, string>({ max: MOST_INPUTS })

  constructor(
    private readonly cache: Cache,
    private readonly build: string,
  ) {}

  keyOf(procedure: string, input: string, rule: CacheRule, actor: Actor | null): string {
    return `${procedure}:${this.build}:${input}:${readerOf(actor, rule)}`
  }

  /**
   * The kept answer, or else what `load` brings, which is kept.
   * @throws what `load` throws; then nothing is kept
   */
  getOrMake(
    key: string,
    { ttl, tags, minFresh }: CacheRule & { minFresh: number },
    load: (context: LoadContext) => Promise<unknown>,
  ): Promise<Buffer> {
    return this.cache.getOrSet(key, async (context) => bytesOf(await load(context)), { ttl, tags, minFresh })
  }

  /** In this process, without waiting. */
  peek(key: string): Cached<Buffer> | undefined {
    return this.cache.peek(key)
  }

  find(key: string): Promise<Cached<Buffer> | undefined> {
    return this.cache.find(key)
  }

  /** Only after the input was parsed: what stands in for a parse must have passed one. */
  remember(procedure: string, written: string, input: string): void {
    if (written.length <= LONGEST_INPUT) this.inputs.set(`${procedure} ${written}`, input)
  }

  /** The hash of the input that was once written so, or undefined. */
  recall(procedure: string, written: string): string | undefined {
    return written.length <= LONGEST_INPUT ? this.inputs.get(`${procedure} ${written}`) : undefined
  }
}

/** As tRPC writes the answer to one call. */
const bytesOf = (data: unknown): Buffer => Buffer.from(JSON.stringify({ result: { data: serializeOutput(data) } }))

/** What the procedure had returned. */
export const dataOf = (bytes: Buffer): unknown => {
  const { result } = JSON.parse(bytes.toString()) as { result: { data: Serialized } }
  return superjson.deserialize(result.data)
}
