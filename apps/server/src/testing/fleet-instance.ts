import { databaseConfig } from './database-config.js'
import { startFleetRole, type FleetRoleTimings } from '../app/fleet-role.js'
import { openPersistence, type Persistence } from '../app/persistence.js'
import { createDriverRegistry } from '../drivers/registry.js'
import { Lifecycle, newId, NO_TRACER, systemClock, type Logger, type Timers } from '../kernel/index.js'
import { createConnector } from '../net/connector.js'
import { createMetrics } from '../observability/metrics.js'
import { PRISMA_FOLDER, QUICK_TIMINGS, quietLog, tokenSource } from './printing-rig.js'

/** What the tests of several instances vary. */
export interface InstanceOptions {
  timings?: FleetRoleTimings
  clock?: Timers
  log?: Logger
}

/** Another instance that drives printers of the same database, with a pool and a bus of its own. */
export interface FleetInstance extends AsyncDisposable {
  id: string
  persistence: Persistence
  /** Stops as a shutdown does. Idempotent. */
  stop(): Promise<void>
}

export const startInstance = async (url: string, options: InstanceOptions = {}): Promise<FleetInstance> => {
  const { timings = QUICK_TIMINGS, clock = systemClock, log = quietLog() } = options
  const id = newId('instance')
  const lifecycle = new Lifecycle(log)
  const config = { dataDir: '', database: databaseConfig(url, 8) }
  const persistence = await openPersistence({ config, prismaFolder: PRISMA_FOLDER, instanceId: id, log, lifecycle })
  const connector = createConnector({ allowedCidrs: [], allowLoopback: true })
  const registry = createDriverRegistry(connector)
  lifecycle.onStop('connector', () => connector.close())
  const { unitOfWork, reads, leases, bus } = persistence
  const role = await startFleetRole({
    metrics: createMetrics({ enabled: false }),
    ...{ unitOfWork, reads, leases, bus, log, timings, clock, tracer: NO_TRACER },
    drivers: { driverFor: (kind) => registry[kind] },
    sealer: { seal: (plain) => plain, open: (cipher) => cipher },
    openFile: tokenSource,
    instanceId: id,
    random: Math.random,
    heaterOnMs: 900_000,
  })
  lifecycle.onStop('fleet', () => role.stop())
  const stop = () => lifecycle.stop()
  return { id, persistence, stop, [Symbol.asyncDispose]: stop }
}
