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

/** Reads for people's lists and histories, which may come from a replica and so be a little old. */
export interface AnyReads<R> {
  /**
   * Reads for this actor: never older than the configured lag, and never without what the actor has written itself. The
   * work only reads: it is done again elsewhere when its replica fails in the midst of it.
   */
  read<T>(actor: Actor, work: (repositories: R) => Promise<T>): Promise<T>
}
