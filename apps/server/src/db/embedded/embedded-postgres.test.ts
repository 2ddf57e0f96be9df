import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

import pg from 'pg'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { Deadline } from './deadline.js'
import { startEmbeddedPostgres, stopAbandonedPostgres, type EmbeddedPostgres } from './embedded-postgres.js'
import { startMark } from './process-identity.js'

const fixture = fileURLToPath(new URL('../../../test/fixtures/embedded-role.ts', import.meta.url))
const log = { info: () => undefined }
const children: ChildProcess[] = []
const handles: EmbeddedPostgres[] = []
let dataDir: string

beforeEach(async () => {
  dataDir = await mkdtemp(path.join(tmpdir(), 'gantry-embedded-'))
})

afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode === null && child.signalCode === null && child.kill('SIGKILL')) await once(child, 'exit')
  }
  for (const handle of handles.splice(0)) await handle.stop()
  expect(await stopAbandonedPostgres({ dataDir, log })).toBe(true)
  await rm(dataDir, { recursive: true, force: true })
})

interface RoleMessage {
  url?: string
  adopted?: boolean
  code?: string
  serverStopped?: boolean
}

/** A process of its own that starts or adopts the database. */
function startRole() {
  const args = ['--import', 'tsx', '--conditions=gantry-source', fixture, dataDir]
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  children.push(child)
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async () => JSON.parse(String((await lines.next()).value)) as RoleMessage
  return {
    next,
    kill: async () => {
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
    stop: () => {
      child.stdin.end()
      return next()
    },
  }
}

async function start(): Promise<EmbeddedPostgres> {
  const handle = await startEmbeddedPostgres({ dataDir, log, fast: true })
  handles.push(handle)
  return handle
}

async function query(url: string | undefined, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: String(url), connectionTimeoutMillis: 5_000 })
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows.map((row) => Object.values(row)[0])
  } finally {
    await client.end()
  }
}

const inRoot = (...names: string[]) => path.join(dataDir, 'postgres', ...names)
const postmasterFile = () => inRoot('cluster', 'postmaster.pid')
const postmasterPid = async () => Number.parseInt(await readFile(postmasterFile(), 'utf8'), 10)
const modeOf = async (file: string) => (await stat(file)).mode & 0o777
const untilGone = (pid: number) =>
  new Deadline(20).poll(async () => ((await startMark(pid)) === null ? true : undefined))

describe('several processes', () => {
  it('start at once and share one database, which the last one stops', async () => {
    const roles = [startRole(), startRole()]
    const started = await Promise.all(roles.map((role) => role.next()))
    expect(started.map((message) => message.adopted).sort()).toEqual([false, true])
    expect(started[0]?.url).toBe(started[1]?.url)
    const pid = await postmasterPid()
    expect(await roles[0]?.stop()).toEqual({ serverStopped: false })
    expect(await query(started[0]?.url, 'SELECT 1')).toEqual([1])
    expect(await roles[1]?.stop()).toEqual({ serverStopped: true })
    expect(await startMark(pid)).toBeNull()
  })

  it('keep the database and its data when one is killed, and the survivor stops it', async () => {
    const [victim, survivor] = [startRole(), startRole()]
    const [{ url }] = await Promise.all([victim.next(), survivor.next()])
    await query(url, 'CREATE TABLE kept AS SELECT 42 AS answer')
    await victim.kill()
    expect(await query(url, 'SELECT answer FROM kept')).toEqual([42])
    expect((await start()).adopted).toBe(true)
    await handles[0]?.stop()
    expect(await survivor.stop()).toEqual({ serverStopped: true })
  })

  it('find the living database again after all of them were killed', async () => {
    const roles = [startRole(), startRole()]
    const [{ url }] = (await Promise.all(roles.map((role) => role.next()))) as [RoleMessage]
    await query(url, 'CREATE TABLE kept AS SELECT 42 AS answer')
    const pid = await postmasterPid()
    await Promise.all(roles.map((role) => role.kill()))
    const database = await start()
    expect({ adopted: database.adopted, url: database.url, pid: await postmasterPid() }).toEqual({
      adopted: true,
      url,
      pid,
    })
    expect(await query(url, 'SELECT answer FROM kept')).toEqual([42])
    expect(await database.stop()).toEqual({ serverStopped: true })
  })
})

describe('a start', () => {
  it('recovers a server that was killed together with its process, on the same port', async () => {
    const role = startRole()
    const { url } = await role.next()
    await query(url, 'CREATE TABLE kept AS SELECT 42 AS answer')
    const busy = new pg.Client({ connectionString: String(url) })
    busy.on('error', () => undefined)
    await busy.connect()
    const cut = expect(busy.query('SELECT pg_sleep(600)')).rejects.toThrow()
    await role.kill()
    process.kill(await postmasterPid(), 'SIGKILL')
    const database = await start()
    await cut
    expect(database).toMatchObject({ adopted: false, url })
    expect(await query(url, 'SELECT answer FROM kept')).toEqual([42])
  })

  it.each([
    ['before initdb wrote anything', ''],
    ['in the middle of initdb', path.join('cluster', 'global')],
  ])('succeeds after a kill %s', async (_moment, awaited) => {
    const role = startRole()
    const unfinished = () =>
      readdir(inRoot()).then(
        (names) => names.find((name) => name.startsWith('initdb-')),
        () => undefined,
      )
    const reached = await new Deadline(30).poll(async () => {
      const name = await unfinished()
      if (name === undefined) return undefined
      return stat(inRoot(name, awaited)).then(
        () => true,
        () => undefined,
      )
    }, 2)
    await role.kill()
    expect(reached).toBe(true)
    expect(await unfinished()).toBeDefined()
    const database = await start()
    expect(await query(database.url, 'SELECT 1')).toEqual([1])
    expect(await unfinished()).toBeUndefined()
  })

  it('is not stopped by a pid file whose pid now belongs to another process', async () => {
    const first = await start()
    const contents = await readFile(postmasterFile(), 'utf8')
    await first.stop()
    const { uid, gid } = await stat(inRoot('cluster'))
    const other = spawn('sleep', ['600'], { stdio: 'ignore', ...(process.getuid?.() === 0 && { uid, gid }) })
    children.push(other)
    await once(other, 'spawn')
    await writeFile(postmasterFile(), contents.replace(/^\d+/, String(other.pid)))
    expect((await start()).adopted).toBe(false)
    expect(await startMark(Number(other.pid))).not.toBeNull()
  })

  it.each([
    [
      'names a process that is gone',
      async () => {
        const child = spawn('true')
        await once(child, 'exit')
        return `${String(child.pid)}\n${inRoot('cluster')}\n`
      },
    ],
    ['is empty', () => Promise.resolve('')],
  ])('clears a pid file that %s', async (_what, contents) => {
    await (await start()).stop()
    await writeFile(postmasterFile(), await contents())
    const database = await start()
    expect(database.adopted).toBe(false)
    expect(await query(database.url, 'SELECT 1')).toEqual([1])
  })

  it('takes another port when the last one is taken', async () => {
    const first = await start()
    await first.stop()
    const { createServer } = await import('node:net')
    const squatter = createServer().listen(Number(new URL(first.url).port), '127.0.0.1')
    await once(squatter, 'listening')
    const second = await start()
    squatter.close()
    expect(second.url).not.toBe(first.url)
    expect(await query(second.url, 'SELECT 1')).toEqual([1])
  })

  it('refuses data of another major version and leaves it alone', async () => {
    await (await start()).stop()
    await writeFile(inRoot('cluster', 'PG_VERSION'), '17\n')
    await expect(start()).rejects.toMatchObject({ code: 'version_mismatch' })
    await writeFile(inRoot('cluster', 'PG_VERSION'), '18\n')
    expect((await start()).adopted).toBe(false)
  })

  it('says so when the credentials are lost or the data directory is no folder', async () => {
    await (await start()).stop()
    await rm(inRoot('credentials.json'))
    await expect(start()).rejects.toMatchObject({ code: 'credentials_invalid' })
    const file = path.join(dataDir, 'file')
    await writeFile(file, '')
    await expect(startEmbeddedPostgres({ dataDir: file, log })).rejects.toMatchObject({ code: 'directory_unusable' })
  })

  it('works in a data directory that other users may enter', async () => {
    await chmod(dataDir, 0o755)
    expect(await query((await start()).url, 'SELECT 1')).toEqual([1])
  })
})

it('keeps its secrets to itself and listens on the loopback address only', async () => {
  const { url } = await start()
  expect(await modeOf(inRoot('credentials.json'))).toBe(0o600)
  expect(await modeOf(inRoot('postgres.log'))).toBe(0o600)
  expect(await modeOf(inRoot('cluster'))).toBe(0o700)
  expect(await query(url, 'SHOW listen_addresses')).toEqual(['127.0.0.1'])
  expect(await query(url, 'SELECT rolsuper FROM pg_roles WHERE rolname = current_user')).toEqual([false])
  const stranger = url.replace(/:[0-9a-f]+@/, ':wrong@')
  await expect(query(stranger, 'SELECT 1')).rejects.toMatchObject({ code: '28P01' })
})

it('stops once however often it is asked, with sessions open', async () => {
  const database = await start()
  const pid = await postmasterPid()
  const client = new pg.Client({ connectionString: database.url })
  client.on('error', () => undefined)
  await client.connect()
  const answers = await Promise.all([database.stop(), database.stop()])
  expect(answers).toEqual([{ serverStopped: true }, { serverStopped: true }])
  expect(await untilGone(pid)).toBe(true)
})
