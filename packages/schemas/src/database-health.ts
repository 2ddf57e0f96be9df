import { z } from 'zod'

const pool = z.object({
  max: z.int(),
  total: z.int(),
  idle: z.int(),
  /** Who stands in line for a connection. */
  waiting: z.int(),
})

export const databaseReplicaHealth = z.object({
  /** Host, port and database. */
  name: z.string(),
  /** `foreign`: it is no replica, or one of another primary. `usable` alone is read. */
  state: z.enum(['starting', 'usable', 'lagging', 'failing', 'foreign']),
  latencySeconds: z.number().nullable(),
  /** At most so old is what it shows; null when that is not known. */
  lagSeconds: z.number().nullable(),
  outstandingReads: z.int(),
  pool,
})
export type DatabaseReplicaHealth = z.infer<typeof databaseReplicaHealth>

/** How one process sees its database. */
export const databaseHealth = z.object({
  primary: z.object({
    reachable: z.boolean(),
    latencySeconds: z.number().nullable(),
    /** Why it cannot be reached. */
    error: z.string().nullable(),
    pool,
  }),
  replicas: z.array(databaseReplicaHealth),
  maxLagSeconds: z.number(),
})
export type DatabaseHealth = z.infer<typeof databaseHealth>
