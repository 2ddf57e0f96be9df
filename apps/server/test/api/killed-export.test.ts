import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import pg from 'pg'
import { expect, it } from 'vitest'

import { callerOf, PASSWORD } from '../../src/testing/app-under-test.js'
import { createTestDatabase } from '../../src/testing/database.js'
import { ServerProcesses, type ServerProcess } from './server-process.js'

const PROJECTS = 100_000
const SOON = { timeout: 60_000, interval: 20 }
/** The queue misses a dead worker after half a minute, and so does the next run. */
const TAKEN_UP = { timeout: 180_000, interval: 250 }

const logIn = async (server: ServerProcess) => {
  const url = await server.ready()
  const login = { email: 'admin@gantry.local', password: PASSWORD }
  const { accessToken } = await callerOf(url, {}).trpc.auth.login.mutate(login)
  return { url, ...callerOf(url, { Authorization: `Bearer ${accessToken}` }) }
}

const killed = async ({ child, over }: ServerProcess) => {
  child.kill('SIGKILL')
  await over
}

it('an export whose process is killed in its midst shows no half file, and is made whole by another', async () => {
  await using database = await createTestDatabase()
  const dataDir = await mkdtemp(join(tmpdir(), 'gantry-killed-'))
  const servers = new ServerProcesses(dataDir)
  const sql = new pg.Client({ connectionString: database.url })
  await sql.connect()
  try {
    const start = (roles: string) =>
      servers.start({ DATABASE_URL: database.url, GANTRY_ROLES: roles, GANTRY_ADMIN_PASSWORD: PASSWORD })
    const [api, worker] = [start('api'), start('worker')]
    await worker.instance()
    const { url, trpc } = await logIn(api)
    // In short transactions: a long one would keep the events of other tests on the same server from being read.
    for (let first = 1; first <= PROJECTS; first += 5_000) {
      await sql.query(`INSERT INTO project (id, name)
        SELECT 'prj_' || lpad(n::text, 8, '0'), 'Project ' || n FROM generate_series(${first}, ${first + 4_999}) n`)
    }
    const { id } = await trpc.exports.create.mutate({ kind: 'projects', scope: 'farm' })
    const look = () => trpc.exports.get.query({ id })
    await expect.poll(async () => (await look()).rowsWritten, SOON).toBeGreaterThan(0)
    await killed(worker)
    expect(await look()).toMatchObject({ state: 'running', downloadUrl: null })
    const files = async (folder: string) => readdir(join(dataDir, 'exports', folder)).catch(() => [])
    expect([await files('ready'), (await files('incoming')).length]).toEqual([[], 1])

    await start('worker').instance()
    await expect.poll(async () => (await look()).state, TAKEN_UP).toBe('ready')
    const { downloadUrl, rowsWritten } = await look()
    expect(rowsWritten).toBe(PROJECTS)
    const { projects } = (await (await fetch(url + (downloadUrl ?? ''))).json()) as { projects: unknown[] }
    expect(projects).toHaveLength(PROJECTS)
    expect(await files('ready')).toHaveLength(1)
    const { rows } = await sql.query(`SELECT count(*)::int AS n FROM outbox WHERE type = 'EMAIL_NOTIFICATION'`)
    expect(rows).toEqual([{ n: 1 }])
  } finally {
    await servers.killAll()
    await sql.end()
    await rm(dataDir, { recursive: true, force: true })
  }
}, 300_000)
