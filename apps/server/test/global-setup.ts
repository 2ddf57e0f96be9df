import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

import type { TestProject } from 'vitest/node'

import { startEmbeddedPostgres, stopAbandonedPostgres } from '../src/db/embedded/embedded-postgres.js'
import { ensureRedisInstalled, startRedisServer } from '../processes/redis-server.js'
import { createTemplateDatabase } from '../src/testing/template-database.js'

declare module 'vitest' {
  interface ProvidedContext {
    /** The run's own PostgreSQL; make databases on it with `createTestDatabase`. */
    postgresUrl: string
    /** The Redis of the run, or the one that was named; take a part of it with `openTestRedis`. */
    redisUrl: string
  }
}

const PREFIX = 'gantry-test-postgres-'
const YOUNG_MILLISECONDS = 60_000
const log = { info: () => undefined }
const prismaFolder = path.resolve(import.meta.dirname, '../../../prisma')

/** One PostgreSQL per test run, with a template database that has all migrations, and one Redis. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const redis = await openRedis()
  project.provide('redisUrl', redis.url)
  try {
    const stopPostgres = await startPostgres(project)
    return async () => {
      await Promise.all([stopPostgres(), redis.stop()])
    }
  } catch (error) {
    await redis.stop()
    throw error
  }
}

/** Tests that wipe or stop a Redis start their own, so that the program is needed even when an address is given. */
async function openRedis(): Promise<{ url: string; stop: () => Promise<void> }> {
  await ensureRedisInstalled()
  const url = process.env['REDIS_URL'] ?? ''
  return url === '' ? startRedisServer() : { url, stop: () => Promise.resolve() }
}

async function startPostgres(project: TestProject): Promise<() => Promise<void>> {
  await removeAbandoned()
  const dataDir = await mkdtemp(path.join(tmpdir(), PREFIX))
  const database = await startEmbeddedPostgres({ dataDir, log, fast: true })
  const teardown = async () => {
    await database.stop()
    await rm(dataDir, { recursive: true, force: true })
  }
  try {
    await createTemplateDatabase(database.url, prismaFolder)
  } catch (error) {
    await teardown()
    throw error
  }
  project.provide('postgresUrl', database.url)
  return teardown
}

/** Servers of earlier runs that were killed: they are detached and would run for ever. */
async function removeAbandoned(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    if (!name.startsWith(PREFIX)) continue
    const dataDir = path.join(tmpdir(), name)
    const { uid, mtimeMs } = await stat(dataDir).catch(() => ({ uid: -1, mtimeMs: 0 }))
    // A young one may belong to a run that has not yet registered with it.
    if (uid !== process.getuid?.() || Date.now() - mtimeMs < YOUNG_MILLISECONDS) continue
    if (await stopAbandonedPostgres({ dataDir, log })) await rm(dataDir, { recursive: true, force: true })
  }
}
