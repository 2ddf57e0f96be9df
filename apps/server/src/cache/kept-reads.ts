import superjson from 'superjson'

import type { Actor } from '../kernel/actor.js'
import type { Cache, LoadContext } from '../kernel/cache.port.js'
import { inputHash } from '../kernel/input-hash.js'
import { serializeOutput } from '../kernel/output-serializer.js'
import type { AnyReads, KeptQuery } from '../kernel/reads.port.js'
import { sightOf } from '../kernel/sight.js'

/** Every change drops what it makes untrue; this bounds the harm of one that no event tells. */
const KEPT_SECONDS = 10

/**
 * Reads whose queries are kept in the cache, for whoever may see the same. What an event makes untrue is dropped by the
 * query's tags, and made again of nothing older than that event.
 */
export class KeptReads<R> implements AnyReads<R> {
  /**
   * @param build of this server: what another version has read may be of another shape
   * @param asked hears what people ask for
   */
  constructor(
    private readonly reads: AnyReads<R>,
    private readonly cache: Cache,
    private readonly build: string,
    private readonly asked: (actor: Actor, kept: KeptQuery) => void,
  ) {}

  async read<T>(actor: Actor, work: (repositories: R) => Promise<T>, kept?: KeptQuery): Promise<T> {
    if (kept === undefined) return this.reads.read(actor, work)
    this.asked(actor, kept)
    const { query, input, tags } = kept
    // Not the name alone: the finished answer of the procedure that reads is kept under that, and is made meanwhile.
    const key = `read ${query}:${this.build}:${inputHash(input)}:${sightOf(actor)}`
    let own: { value: T } | null = null
    const load = async ({ invalidatedAtMs }: LoadContext) => {
      const readsAsOfMs = Math.max(actor.readsAsOfMs ?? -Infinity, invalidatedAtMs)
      own = { value: await this.reads.read({ ...actor, readsAsOfMs }, work) }
      return Buffer.from(JSON.stringify(serializeOutput(own.value)))
    }
    const bytes = await this.cache.getOrSet(key, load, { ttl: KEPT_SECONDS, tags })
    const read = own as { value: T } | null
    return read === null ? superjson.parse<T>(bytes.toString()) : read.value
  }
}
