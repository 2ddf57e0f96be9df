import { chooseAccount } from './account.js'
import { locateBinaries, probeBinaries } from './binaries.js'
import { clusterVersion, createCluster } from './cluster.js'
import { applicationUrl, provision, waitUntilServing, type ServingPostmaster } from './connection.js'
import { newCredentials, readCredentials, writeCredentials, type Credentials } from './credentials.js'
import { Deadline } from './deadline.js'
import { withDirectoryLock } from './directory-lock.js'
import { EmbeddedPostgresError } from './errors.js'
import { prepareLayout, type EmbeddedLayout } from './layout.js'
import { boundLog } from './log-file.js'
import { disarmStaleFile, inspectPostmaster, type LivePostmaster } from './postmaster-file.js'
import { spawnPostmaster, stopPostmaster, type PostmasterOptions } from './postmaster.js'
import { ProcessFolder, type ProcessEntry } from './process-folder.js'

/** The part of the project's logger that is used here. */
export interface EmbeddedPostgresLog {
  info(fields: Record<string, unknown>, message: string): void
}

export interface EmbeddedPostgresOptions {
  /** Gantry's data directory; the database lives in its folder `postgres`. */
  dataDir: string
  log: EmbeddedPostgresLog
  /** For tests: commits do not wait for the disk, so a power cut may destroy the data. @default false */
  fast?: boolean
  /** How long the server may take to accept connections, recovery included. @default 60 */
  startTimeoutSeconds?: number
  /** How long a fast shutdown may take before an immediate one. @default 20 */
  stopTimeoutSeconds?: number
  /** How long to wait for another process that starts or stops the same database. @default 120 */
  lockTimeoutSeconds?: number
}

export interface EmbeddedPostgres {
  /** Connection string of the application's own database. Its role may create databases but is no superuser. */
  readonly url: string
  /** True when the server was already running. */
  readonly adopted: boolean
  /**
   * Takes back this process's claim on the database, and stops the server if nobody else has one. Idempotent.
   * @throws EmbeddedPostgresError `stop_timeout`, `lock_timeout`
   */
  stop: () => Promise<{ serverStopped: boolean }>
}

type Settings = Required<EmbeddedPostgresOptions>

const defaults = { fast: false, startTimeoutSeconds: 60, stopTimeoutSeconds: 20, lockTimeoutSeconds: 120 }

/**
 * Starts the private PostgreSQL of a data directory, or adopts it when it is running. The server is detached: it
 * outlives this process if this process is killed, and serves all processes that share the directory.
 *
 * @throws EmbeddedPostgresError with the reason in `code`
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const settings = { ...defaults, ...options }
  const layout = await prepareLayout(settings.dataDir)
  return withDirectoryLock(lockOf(layout), lockOptions(settings), async () => {
    const client = await new ProcessFolder(layout.clients).enter()
    try {
      const { server, credentials, adopted } = await adoptOrStart(layout, settings)
      await provision(server.port, credentials)
      settings.log.info({ port: server.port, serverPid: server.pid, adopted }, 'embedded PostgreSQL is ready')
      let stopping: Promise<{ serverStopped: boolean }> | undefined
      const stop = () => (stopping ??= leave(layout, settings, client))
      return { url: applicationUrl(server.port, credentials), adopted, stop }
    } catch (error) {
      await client.leave()
      throw error
    }
  })
}

/**
 * Stops the server of a data directory if no running process has a claim on it.
 * @returns false when somebody has
 */
export async function stopAbandonedPostgres(options: EmbeddedPostgresOptions): Promise<boolean> {
  const settings = { ...defaults, ...options }
  const layout = await prepareLayout(settings.dataDir)
  return withDirectoryLock(lockOf(layout), lockOptions(settings), () => stopIfUnclaimed(layout, settings))
}

function lockOf(layout: EmbeddedLayout): ProcessFolder {
  return new ProcessFolder(layout.lock)
}

function lockOptions(settings: Settings): { timeoutSeconds: number } {
  return { timeoutSeconds: settings.lockTimeoutSeconds }
}

async function leave(
  layout: EmbeddedLayout,
  settings: Settings,
  client: ProcessEntry,
): Promise<{ serverStopped: boolean }> {
  return withDirectoryLock(lockOf(layout), lockOptions(settings), async () => {
    await client.leave()
    return { serverStopped: await stopIfUnclaimed(layout, settings) }
  })
}

async function stopIfUnclaimed(layout: EmbeddedLayout, settings: Settings): Promise<boolean> {
  if ((await new ProcessFolder(layout.clients).liveEntries()).length > 0) return false
  const state = await inspectPostmaster(layout.cluster)
  if (state.kind === 'live') {
    await stopPostmaster(state.postmaster, settings.stopTimeoutSeconds)
    settings.log.info({ serverPid: state.postmaster.pid }, 'embedded PostgreSQL stopped')
  }
  return true
}

interface Started {
  server: ServingPostmaster
  credentials: Credentials
  adopted: boolean
}

async function adoptOrStart(layout: EmbeddedLayout, settings: Settings): Promise<Started> {
  const deadline = new Deadline(settings.startTimeoutSeconds)
  await boundLog(layout.log)
  let prepared: { credentials: Credentials; options: PostmasterOptions } | undefined
  let spawned: LivePostmaster | null = null
  const started = await deadline.poll(async () => {
    const state = await inspectPostmaster(layout.cluster)
    if (state.kind === 'live') {
      const credentials = prepared?.credentials ?? (await credentialsOfCluster(layout))
      const server = await waitUntilServing(layout.cluster, state.postmaster, credentials, deadline)
      return server === null ? undefined : { server, credentials, adopted: server.pid !== spawned?.pid }
    }
    if (state.kind === 'stale' && state.obstructs) await disarmStaleFile(layout.cluster)
    prepared ??= await prepareStart(layout, settings)
    spawned = await spawnPostmaster(layout, prepared.options, deadline)
    return undefined
  }, 50)
  if (started === undefined) {
    throw new EmbeddedPostgresError('start_timeout', `The database did not start within ${deadline.seconds} s.`)
  }
  const { server, credentials } = started
  if (credentials.lastPort !== server.port) {
    await writeCredentials(layout.credentials, { ...credentials, lastPort: server.port })
  }
  return started
}

/** Everything that must be in place before the server can run: account, programs, credentials, cluster. */
async function prepareStart(
  layout: EmbeddedLayout,
  settings: Settings,
): Promise<{ credentials: Credentials; options: PostmasterOptions }> {
  const binaries = locateBinaries()
  const account = await chooseAccount(layout.cluster, [layout.cluster, binaries.postgres])
  const major = await probeBinaries(binaries, account)
  const found = await clusterVersion(layout)
  if (found !== null && found !== major) {
    throw new EmbeddedPostgresError(
      'version_mismatch',
      `The data in ${layout.cluster} was written by PostgreSQL ${found}; this version of Gantry brings PostgreSQL ` +
        `${major}. Dump it with a Gantry that brings ${found}, or run a PostgreSQL ${found} and set DATABASE_URL.`,
    )
  }
  const credentials = found === null ? await firstCredentials(layout) : await credentialsOfCluster(layout)
  if (found === null) {
    settings.log.info({ folder: layout.cluster }, 'creating the embedded PostgreSQL')
    await createCluster(layout, binaries.initdb, account, { ...credentials, fast: settings.fast })
  }
  const { fast } = settings
  return { credentials, options: { postgres: binaries.postgres, account, preferredPort: credentials.lastPort, fast } }
}

/** Written before the cluster, so that no kill can leave a cluster whose password nobody knows. */
async function firstCredentials(layout: EmbeddedLayout): Promise<Credentials> {
  const known = await readCredentials(layout.credentials)
  if (known !== null) return known
  const credentials = newCredentials()
  await writeCredentials(layout.credentials, credentials)
  return credentials
}

async function credentialsOfCluster(layout: EmbeddedLayout): Promise<Credentials> {
  const credentials = await readCredentials(layout.credentials)
  if (credentials !== null) return credentials
  const message = `The file ${layout.credentials} with the database's password is gone. Restore it from a backup.`
  throw new EmbeddedPostgresError('credentials_invalid', message)
}
