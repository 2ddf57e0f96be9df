import type { Actor } from './actor.js'

declare const source: unique symbol

/**
 * Repositories outside any transaction that read the primary, where every commit is seen at once. Whoever decides
 * something by what it reads asks for these: dispatching, authentication, permissions, leases, idempotent calls. What
 * may come from a replica is of another shape and does not compile in their place.
 */
export type Primary<R> = R & { readonly [source]: 'primary' }

/** For whoever opened the connection, and knows that it leads to the primary. */
export const onPrimary = <R extends object>(repositories: R): Primary<R> => repositories as Primary<R>

/** A query whose result may be kept for others, for ten seconds or until an event tells that it is no longer true. */
export interface KeptQuery {
  /** Repository and method, such as `files.list`. */
  query: string
  /** All that the result depends on, apart from what the actor may see. */
  input: unknown
  /** The types of the subjects, or the ids, whose events make it untrue. */
  tags: readonly string[]
}

/** Reads for people's lists and histories, which may come from a replica and so be a little old. */
export interface AnyReads<R> {
  /**
   * Reads for this actor: never older than the configured lag, never without what the actor has written itself, and
   * never older than its `readsAsOfMs`. The work only reads: it is done again elsewhere when its replica fails in the
   * midst of it.
   * @param kept where all changes are told by events, and the result may be used again until one of them is
   */
  read<T>(actor: Actor, work: (repositories: R) => Promise<T>, kept?: KeptQuery): Promise<T>
}

/** Lists where there is nothing but the primary. */
export const listsOfPrimary = <R>(reads: Primary<R>): AnyReads<R> => ({ read: async (_actor, work) => work(reads) })
