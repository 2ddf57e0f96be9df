import type { DatabaseHealth, DatabaseReplicaHealth } from '@gantry/schemas'

import type { Config } from '../config/config.js'
import { createDatabase, type Database } from '../db/client.js'
import type { OwnWrites } from '../db/replicas/own-writes.js'
import { Probe } from '../db/replicas/probe.js'
import { ReplicaSet } from '../db/replicas/replica-set.js'
import type { Repositories } from '../db/repositories.js'
import type { AnyReads, DatabaseObserver, Lifecycle, Logger, Primary, Timers } from '../kernel/index.js'
import { redactText } from '../observability/redact.js'

export interface ReplicasOptions {
  /** The primary's. */
  url: string
  config: Pick<Config['database'], 'replicaUrls' | 'replicaMaxLagMs' | 'poolSize' | 'timeoutMs'>
  primary: Database
  reads: Primary<Repositories>
  ownWrites: OwnWrites
  applicationName: string
  observer: DatabaseObserver
  clock: Timers
  log: Logger
  lifecycle: Lifecycle
}

export interface Replicas {
  /** For lists and histories; the primary's own reads where there is no replica. */
  lists: AnyReads<Repositories>
  /** How many may be read. */
  usable: () => number
  replicas: () => DatabaseReplicaHealth[]
  health: () => Promise<DatabaseHealth>
}

const textOf = (error: unknown): string => redactText(error instanceof Error ? error.message : String(error))

/** What of a connection string may be shown. */
const nameOf = (url: string): string => {
  const { host, pathname } = new URL(url)
  return host + pathname
}

/** Opens a pool to each replica. They are looked at from now on; one that does not answer holds nothing up. */
export const openReplicas = (options: ReplicasOptions): Replicas => {
  const { url, config, primary, reads, ownWrites, applicationName, observer, clock, log, lifecycle } = options
  const { replicaUrls, replicaMaxLagMs: maxLagMs, poolSize, timeoutMs } = config
  const nowMs = () => clock.monotonicMs()
  const onOperation = observer.operationEnded.bind(observer)
  const primaryProbe = new Probe(url, applicationName, log)
  const replicas = replicaUrls.map((replicaUrl) => {
    const name = nameOf(replicaUrl)
    return {
      name,
      database: createDatabase({ url: replicaUrl, poolSize, timeoutMs, applicationName, log, name, onOperation }),
      openProbe: (onLost: () => void) => new Probe(replicaUrl, applicationName, log, onLost),
    }
  })
  const set = new ReplicaSet({ primary: reads, primaryProbe, replicas, ownWrites, maxLagMs, observer, log, nowMs })
  lifecycle.onStop('database replicas', async () => {
    await Promise.all([set.stop(), primaryProbe.close()])
  })
  set.start()

  const primaryHealth = async (): Promise<DatabaseHealth['primary']> => {
    const pool = primary.poolUsage()
    try {
      const { latencyMs } = await primaryProbe.ask()
      return { reachable: true, latencySeconds: latencyMs / 1_000, error: null, pool }
    } catch (error) {
      return { reachable: false, latencySeconds: null, error: textOf(error), pool }
    }
  }
  return {
    lists: set,
    usable: () => set.usable,
    replicas: () => set.health(),
    health: async () => ({
      primary: await primaryHealth(),
      replicas: set.health(),
      maxLagSeconds: maxLagMs / 1_000,
    }),
  }
}
