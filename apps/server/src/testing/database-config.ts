import type { Config } from '../config/config.js'

/** The settings of a database without replicas. */
export const databaseConfig = (url: string, poolSize: number): Config['database'] => ({
  ...{ url, poolSize, timeoutMs: 10_000 },
  ...{ replicaUrls: [], replicaMaxLagMs: 2_000 },
})
