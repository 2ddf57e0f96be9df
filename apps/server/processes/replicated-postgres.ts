import { appendFile, chmod, chown, cp, lstat, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { chooseAccount } from '../src/db/embedded/account.js'
import { locateBinaries } from '../src/db/embedded/binaries.js'
import { createCluster } from '../src/db/embedded/cluster.js'
import { provision } from '../src/db/embedded/connection.js'
import { ADMIN_ROLE, newCredentials, type Credentials } from '../src/db/embedded/credentials.js'
import { prepareLayout } from '../src/db/embedded/layout.js'
import { freePort } from './free-port.js'
import { PostgresProcess, type PostgresProcessOptions } from './postgres-process.js'

export interface ReplicatedPostgres extends AsyncDisposable {
  primary: PostgresProcess
  replicas: [PostgresProcess, PostgresProcess]
  /** Ends all three and removes what they wrote. Idempotent. */
  stop: () => Promise<void>
}

/** Not part of a copy: what belongs to the running server, and the log, which the replica fetches itself. */
const LEFT_OUT = new Set(['postmaster.pid', 'postmaster.opts', 'pg_internal.init'])
const LEFT_EMPTY = [
  ...['pg_wal', 'pg_replslot', 'pg_stat_tmp', 'pg_dynshmem', 'pg_notify', 'pg_serial', 'pg_snapshots', 'pg_subtrans'],
]

/**
 * A real primary with two real streaming replicas, from the programs of the embedded PostgreSQL. Nothing of them
 * survives a power cut, and nothing is left of them afterwards.
 * @param within where they put their folder
 */
export const startReplicatedPostgres = async (within = tmpdir()): Promise<ReplicatedPostgres> => {
  const folder = await mkdtemp(path.join(within, 'gantry-replicated-'))
  await chmod(folder, 0o755) // the servers' own user must get through when this is run by root
  const started: PostgresProcess[] = []
  const stop = async () => {
    await Promise.all(started.map((server) => server.stop()))
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  }
  try {
    const first = await newPrimary(folder)
    const primary = new PostgresProcess(first)
    started.push(primary)
    await primary.start()
    await provision(first.port, first.credentials)
    const add = async (name: string) => {
      const replica = new PostgresProcess(await copyOf(primary, first, name, path.join(folder, name)))
      started.push(replica)
      await replica.start()
      return replica
    }
    // One after the other: a server makes one copy of itself at a time.
    return { primary, replicas: [await add('replica_1'), await add('replica_2')], stop, [Symbol.asyncDispose]: stop }
  } catch (error) {
    await stop()
    throw error
  }
}

const newPrimary = async (folder: string): Promise<PostgresProcessOptions> => {
  const layout = await prepareLayout(folder)
  const { cluster } = layout
  const { postgres, initdb } = locateBinaries()
  const account = await chooseAccount(cluster, [cluster, postgres])
  const credentials = newCredentials()
  await createCluster(layout, initdb, account, { ...credentials, fast: true })
  return { cluster, port: await freePort(), postgres, account, credentials }
}

/** A copy of the running primary that follows it. */
const copyOf = async (
  primary: PostgresProcess,
  { cluster: source, port: primaryPort, ...same }: PostgresProcessOptions,
  name: string,
  cluster: string,
): Promise<PostgresProcessOptions> => {
  // The same session must begin and end the backup.
  const label = await primary.asAdmin(async (client) => {
    await client.query('select pg_create_physical_replication_slot($1, true)', [name])
    await client.query('select pg_backup_start($1, true)', [name])
    await cp(source, cluster, { recursive: true, filter: (file) => isCopied(source, file) })
    const { rows } = await client.query<{ labelfile: string }>('select labelfile from pg_backup_stop(false)')
    return rows[0]?.labelfile ?? ''
  })
  for (const empty of [...LEFT_EMPTY, 'pg_wal/archive_status', 'pg_wal/summaries'])
    await mkdir(path.join(cluster, empty), { recursive: true })
  await writeFile(path.join(cluster, 'backup_label'), label)
  await writeFile(path.join(cluster, 'standby.signal'), '')
  await appendFile(path.join(cluster, 'postgresql.auto.conf'), following(primaryPort, same.credentials, name))
  if (same.account.owner !== null) await chownTree(cluster, same.account.owner)
  await chmod(cluster, 0o700)
  return { ...same, cluster, port: await freePort() }
}

const isCopied = (source: string, file: string): boolean => {
  const [top = ''] = path.relative(source, file).split(path.sep)
  return !LEFT_EMPTY.includes(top) && !LEFT_OUT.has(path.basename(file))
}

const following = (port: number, { adminPassword }: Credentials, name: string): string => {
  const address = `host=127.0.0.1 port=${port} user=${ADMIN_ROLE} password=${adminPassword} application_name=${name}`
  return `\nprimary_conninfo = '${address}'\nprimary_slot_name = '${name}'\n`
}

const chownTree = async (file: string, owner: { uid: number; gid: number }): Promise<void> => {
  await chown(file, owner.uid, owner.gid)
  if (!(await lstat(file)).isDirectory()) return
  for (const name of await readdir(file)) await chownTree(path.join(file, name), owner)
}
