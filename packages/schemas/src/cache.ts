import { z } from 'zod'

/**
 * `simple` answers with fresh values alone; `swr` (stale while revalidate) also with values that are no longer fresh, up
 * to their hard limit, and loads anew behind the answer.
 */
export const cacheStrategy = z.enum(['simple', 'swr'])
export type CacheStrategy = z.infer<typeof cacheStrategy>

const cacheLayerCounts = z.object({
  hits: z.int(),
  misses: z.int(),
  staleHits: z.int(),
  errors: z.int(),
})
export type CacheLayerCounts = z.infer<typeof cacheLayerCounts>

export const cacheBreakerState = z.enum(['closed', 'open', 'half-open'])
export type CacheBreakerState = z.infer<typeof cacheBreakerState>

/** The cache of one server instance since its start. */
export const cacheStats = z.object({
  strategy: cacheStrategy,
  memory: z.object({
    entries: z.int(),
    maxEntries: z.int(),
    bytes: z.int(),
    maxBytes: z.int(),
    /** False while no invalidation could arrive; then nothing is answered from memory. */
    answering: z.boolean(),
  }),
  /** Null: no Redis is configured. */
  redis: z
    .object({
      connected: z.boolean(),
      breaker: cacheBreakerState,
      /** False while invalidations are owed to Redis; then nothing is read from it. */
      inStep: z.boolean(),
    })
    .nullable(),
  groups: z.array(
    z.object({
      /** The part of the keys before their first colon; `other` for the groups beyond the first fifty. */
      group: z.string(),
      memory: cacheLayerCounts,
      redis: cacheLayerCounts,
      loads: z.int(),
      loadFailures: z.int(),
      /** What compression has kept out of Redis. */
      savedBytes: z.int(),
    }),
  ),
})
export type CacheStats = z.infer<typeof cacheStats>
