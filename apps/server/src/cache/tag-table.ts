import { LRUCache } from 'lru-cache'

/** A tag with the generation that a value belongs to. */
export type TagGeneration = readonly [tag: string, generation: string]

/** What this process knows of one tag. Whoever keeps a value holds on to these and compares versions. */
export interface TagState {
  readonly tag: string
  /** Grows with every invalidation that is heard of, and when the table forgets the tag. */
  version: number
  /** The generation in Redis, as far as it is known; it ends with every invalidation. */
  generation: string | null
  /** How many erasures of its generation are under way; until they are done, what Redis says of it is not asked. */
  erasures: number
  invalidatedAtMs: number
}

/** The tags of a value as they were when its making began. */
export interface TagMoment {
  states: readonly TagState[]
  versions: readonly number[]
}

export const isCurrent = ({ states, versions }: TagMoment): boolean => {
  for (let n = 0; n < states.length; n += 1) if (states[n]?.version !== versions[n]) return false
  return true
}

/** Whether Redis is to be asked for the generation. */
export const isUnknown = ({ generation, erasures }: TagState): boolean => generation === null && erasures === 0

/** Carried by every value, so that all can be dropped at once. */
export const EVERYTHING = '*'

const newState = (tag: string): TagState => ({
  tag,
  version: 0,
  generation: null,
  erasures: 0,
  invalidatedAtMs: Number.NEGATIVE_INFINITY,
})

/** The tags that this process has met, at most `max`; what is forgotten counts as invalidated. */
export class TagTable {
  private readonly everything = newState(EVERYTHING)
  private readonly states: LRUCache<string, TagState>

  constructor(max: number) {
    this.states = new LRUCache({
      max,
      dispose: (state) => {
        state.version += 1
      },
    })
  }

  of(tag: string): TagState {
    if (tag === EVERYTHING) return this.everything
    const known = this.states.get(tag)
    if (known !== undefined) return known
    const state = newState(tag)
    this.states.set(tag, state)
    return state
  }

  /** The tags now, with the one that every value has. */
  moment(tags: readonly string[]): TagMoment {
    const states = [this.everything]
    for (const tag of tags) states.push(this.of(tag))
    return { states, versions: states.map(({ version }) => version) }
  }

  /** As {@link moment}, of the tags that a stored value names, the one that every value has among them. */
  momentOf(generations: readonly TagGeneration[]): TagMoment {
    const states = [this.everything]
    const versions = [this.everything.version]
    for (const [tag] of generations) {
      if (tag === EVERYTHING) continue
      const state = this.of(tag)
      states.push(state)
      versions.push(state.version)
    }
    return { states, versions }
  }

  /** Whether these generations are the ones that are known. */
  areCurrent(generations: readonly TagGeneration[]): boolean {
    for (const [tag, generation] of generations) if (this.of(tag).generation !== generation) return false
    return true
  }

  invalidate(tag: string, nowMs: number): void {
    const state = this.of(tag)
    state.version += 1
    state.generation = null
    state.invalidatedAtMs = nowMs
  }

  /** The generations may have changed unheard. */
  forgetGenerations(): void {
    this.everything.generation = null
    for (const state of this.states.values()) state.generation = null
  }
}
