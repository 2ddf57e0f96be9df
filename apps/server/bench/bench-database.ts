import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { createDatabase, type Database } from '../src/db/client.js'
import { startEmbeddedPostgres } from '../src/db/embedded/embedded-postgres.js'
import { deploy } from '../src/db/migrate/migrations.js'
import { repositoriesFor, type Repositories } from '../src/db/repositories.js'
import { createUnitOfWork } from '../src/db/unit-of-work.js'
import type { UnitOfWork } from '../src/kernel/index.js'

const silent = () => undefined
const QUIET = {
  isEnabled: () => false,
  fatal: silent,
  error: silent,
  warn: silent,
  info: silent,
  debug: silent,
  child: () => QUIET,
}
const POOL_SIZE = 10

export interface BenchDatabase {
  url: string
  prisma: Database['prisma']
  quickRead: Database['quickRead']
  unitOfWork: UnitOfWork<Repositories>
  stop(): Promise<void>
}

/** A PostgreSQL of its own with all migrations, as durable as a user's: commits wait for the disk. */
export const startDatabase = async (): Promise<BenchDatabase> => {
  const dataDir = await mkdtemp(join(tmpdir(), 'gantry-bench-'))
  await chmod(dataDir, 0o755) // the database's own user must get through when root runs this
  const postgres = await startEmbeddedPostgres({ dataDir, log: QUIET })
  const database = await openDatabase(postgres.url)
  const stop = async () => {
    await database.stop()
    await postgres.stop()
    await rm(dataDir, { recursive: true, force: true })
  }
  return { ...database, stop }
}

/** The database that somebody else has started, with all migrations. */
export const openDatabase = async (url: string): Promise<BenchDatabase> => {
  await deploy({ databaseUrl: url, prismaFolder: fileURLToPath(new URL('../../../prisma', import.meta.url)) })
  const options = { url, poolSize: POOL_SIZE, timeoutMs: 120_000, log: QUIET, applicationName: 'bench', slowMs: 60_000 }
  const database = createDatabase(options)
  const { prisma, quickRead } = database
  const hook = { channel: 'bench', notice: () => '', committed: silent }
  const unitOfWork = createUnitOfWork({ prisma, repositoriesFor, hook, timeoutMs: 120_000 })
  return { url, prisma, quickRead, unitOfWork, stop: () => database.close() }
}
