import type { DatabaseHealth, DatabaseReplicaHealth } from '@gantry/schemas'

import type { Config } from '../config/config.js'
import { QuickCallerRepository } from '../db/callers.repository.js'
import { createDatabase, type Database, type PoolUsage } from '../db/client.js'
import { startEmbeddedPostgres } from '../db/embedded/embedded-postgres.js'
import { createEventLog, type PrismaEventLog } from '../db/event-log.js'
import { Lookout } from '../db/lookout.js'
import { reachDatabase } from '../db/migrate/connection.js'
import { deploy } from '../db/migrate/migrations.js'
import { repositoriesFor, type Repositories } from '../db/repositories.js'
import { OwnWrites } from '../db/replicas/own-writes.js'
import { Probe } from '../db/replicas/probe.js'
import { createUnitOfWork } from '../db/unit-of-work.js'
import { createPostgresBus, type PostgresBus } from '../events/postgres-bus.js'
import {
  onPrimary,
  systemClock,
  type AnyReads,
  type DatabaseObserver,
  type Lifecycle,
  type Logger,
  type Primary,
  type Snapshots,
  type Timers,
  type UnitOfWork,
} from '../kernel/index.js'
import type { CallerRepository } from '../modules/auth/callers.ports.js'
import { openReplicas } from './replicas.js'

export interface Persistence {
  url: string
  database: Database
  eventLog: PrismaEventLog
  bus: PostgresBus
  unitOfWork: UnitOfWork<Repositories> & Snapshots<Repositories>
  /** On a connection of its own: the renewal of leases must not stand in line behind the work that they allow. */
  leases: UnitOfWork<Repositories>
  /** The repositories without a transaction, for single reads. */
  reads: Primary<Repositories>
  /** Who calls: the read that nearly every request waits for. */
  callers: Primary<CallerRepository>
  /** The same for lists and histories, which may come from a replica. */
  lists: AnyReads<Repositories>
  usableReplicas: () => number
  replicas: () => DatabaseReplicaHealth[]
  /** Of every database, by the name under which its operations are counted. */
  pools: () => { database: string; pool: PoolUsage }[]
  databaseHealth: () => Promise<DatabaseHealth>
  lookout: Lookout
}

export interface PersistenceOptions {
  config: Pick<Config, 'database' | 'dataDir'>
  /** The folder with `schema.prisma` and `migrations/`. */
  prismaFolder: string
  instanceId: string
  /** Null: nobody counts. */
  observer?: DatabaseObserver | null
  clock?: Timers
  log: Logger
  lifecycle: Lifecycle
}

/**
 * Starts or reaches the database, brings it up to date, and builds on it what every role needs.
 * @throws MigrationError, EmbeddedPostgresError
 */
export const openPersistence = async ({
  config,
  prismaFolder,
  instanceId,
  observer: given = null,
  clock = systemClock,
  log,
  lifecycle,
}: PersistenceOptions): Promise<Persistence> => {
  const url = await databaseUrl(config, log, lifecycle)
  const applied = await deploy({ databaseUrl: url, prismaFolder })
  if (applied.length > 0) log.info({ applied }, 'database migrated')

  const observer = given ?? UNOBSERVED
  const { poolSize, timeoutMs } = config.database
  const applicationName = `gantry ${instanceId.slice(-8)}`
  const onOperation = observer.operationEnded.bind(observer)
  const open = (size: number, name: string) =>
    createDatabase({ url, poolSize: size, timeoutMs, log, applicationName, name, onOperation })
  const [database, leaseDatabase] = [open(poolSize, 'primary'), open(1, 'leases')]
  lifecycle.onStop('database', async () => {
    await Promise.all([database.close(), leaseDatabase.close()])
  })

  const { prisma } = database
  const eventLog = createEventLog(prisma)
  const reads = onPrimary(repositoriesFor(database.reads))
  const callers = onPrimary(new QuickCallerRepository(database.quickRead))
  const ownWrites = new OwnWrites(config.database.replicaMaxLagMs, () => clock.monotonicMs())
  const bus = createPostgresBus({
    ...{ url, eventLog, log, processId: instanceId },
    onCommit: ({ actorIds }) => ownWrites.note(actorIds),
    onListening: (isListening) => ownWrites.listening(isListening),
  })
  await bus.start()
  lifecycle.onStop('event bus', () => bus.stop())
  const { lists, usable, replicas, health } = openReplicas({
    ...{ url, config: config.database, primary: database, reads, ownWrites, applicationName },
    ...{ observer, clock, log, lifecycle },
  })

  const unitOfWork = createUnitOfWork({ prisma, repositoriesFor, hook: bus })
  const leases = createUnitOfWork({ prisma: leaseDatabase.prisma, repositoriesFor, hook: bus })
  const replicated = { reads, callers, lists, usableReplicas: usable, replicas, databaseHealth: health }
  const pools = () => [
    { database: 'primary', pool: database.poolUsage() },
    { database: 'leases', pool: leaseDatabase.poolUsage() },
    ...replicas().map(({ name, pool }) => ({ database: name, pool })),
  ]
  const lookout = await Lookout.open(new Probe(url, applicationName, log, undefined, LOOKOUT_MS), prismaFolder)
  lifecycle.onStop('lookout', () => lookout.stop())
  return { url, database, eventLog, bus, unitOfWork, leases, pools, ...replicated, lookout }
}

/** Longer than a process with too much to do is late itself. */
const LOOKOUT_MS = 5_000

const UNOBSERVED: DatabaseObserver = {
  operationEnded: () => undefined,
  readServed: () => undefined,
  replicasChanged: () => undefined,
}

const databaseUrl = async (
  { database: { url, timeoutMs }, dataDir }: PersistenceOptions['config'],
  log: Logger,
  lifecycle: Lifecycle,
): Promise<string> => {
  if (url === null) return embedded(dataDir, log, lifecycle)
  await reachDatabase({ databaseUrl: url, timeoutMs, log })
  return url
}

/** A fast shutdown only has to write what is in memory; after this an immediate one follows, which loses nothing either. */
const STOP_SECONDS = 5
const STOP_CAP_MS = 10_000

const embedded = async (dataDir: string, log: Logger, lifecycle: Lifecycle): Promise<string> => {
  const postgres = await startEmbeddedPostgres({ dataDir, log, stopTimeoutSeconds: STOP_SECONDS })
  const stop = async () => {
    await postgres.stop()
  }
  lifecycle.onStop('embedded PostgreSQL', stop, STOP_CAP_MS)
  return postgres.url
}
