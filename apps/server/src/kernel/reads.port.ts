declare const source: unique symbol

/**
 * Repositories outside any transaction that read the primary, where every commit is seen at once. Whoever decides
 * something by what it reads asks for these: dispatching, authentication, permissions, leases, idempotent calls. What
 * may come from anywhere else does not compile in their place.
 */
export type Primary<R> = R & { readonly [source]: 'primary' }

/** For whoever opened the connection, and knows that it leads to the primary. */
export const onPrimary = <R extends object>(repositories: R): Primary<R> => repositories as Primary<R>
