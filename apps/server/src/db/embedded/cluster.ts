import { randomBytes } from 'node:crypto'
import { chown, mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'

import type { PostgresAccount } from './account.js'
import { ADMIN_ROLE } from './credentials.js'
import { EmbeddedPostgresError, isSystemError } from './errors.js'
import type { EmbeddedLayout } from './layout.js'
import { runProgram } from './run-program.js'

const UNFINISHED_PREFIX = 'initdb-'
const INITDB_TIMEOUT_SECONDS = 120

/** The major version that wrote the cluster, e.g. 18; null when there is no finished cluster. */
export async function clusterVersion(layout: EmbeddedLayout): Promise<number | null> {
  try {
    return Number.parseInt(await readFile(path.join(layout.cluster, 'PG_VERSION'), 'utf8'), 10)
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return null
    throw error
  }
}

/**
 * Makes the cluster in a folder of its own and moves it into place when it is complete, so that a finished cluster is
 * one that exists, whenever initdb is killed.
 * @throws EmbeddedPostgresError `initdb_failed`
 */
export async function createCluster(
  layout: EmbeddedLayout,
  initdb: string,
  account: PostgresAccount,
  { adminPassword, fast }: { adminPassword: string; fast: boolean },
): Promise<void> {
  await removeUnfinished(layout)
  const folder = path.join(layout.root, UNFINISHED_PREFIX + randomBytes(6).toString('hex'))
  const cluster = path.join(folder, 'cluster')
  const passwordFile = path.join(folder, 'password')
  await mkdir(folder, { mode: 0o700 })
  await writeFile(passwordFile, adminPassword, { mode: 0o600 })
  if (account.owner !== null) {
    for (const file of [folder, passwordFile]) await chown(file, account.owner.uid, account.owner.gid)
  }
  try {
    await runInitdb(initdb, account, [
      `--pgdata=${cluster}`,
      `--pwfile=${passwordFile}`,
      ...(fast ? ['--no-sync'] : []),
    ])
    await rename(cluster, layout.cluster)
    await syncFolder(layout.root)
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

async function runInitdb(initdb: string, account: PostgresAccount, args: string[]): Promise<void> {
  const launch = account.launch(initdb, [
    `--username=${ADMIN_ROLE}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    // The same sort order on every machine, whatever locales it has installed.
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--locale=C',
    ...args,
  ])
  const { exitCode, output } = await runProgram(launch, { timeoutSeconds: INITDB_TIMEOUT_SECONDS })
  if (exitCode === 0) return
  throw new EmbeddedPostgresError('initdb_failed', `The database could not be created: ${output.trim().slice(-1000)}`)
}

/** Folders of starts that were killed in the middle; nothing in them was ever used. */
async function removeUnfinished(layout: EmbeddedLayout): Promise<void> {
  for (const name of await readdir(layout.root)) {
    if (!name.startsWith(UNFINISHED_PREFIX)) continue
    // An initdb that outlived its parent may still be writing; it fails when its folder goes.
    await rm(path.join(layout.root, name), { recursive: true, force: true, maxRetries: 20, retryDelay: 50 })
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
