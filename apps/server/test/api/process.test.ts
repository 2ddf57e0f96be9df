import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { stopAbandonedPostgres } from '../../src/db/embedded/embedded-postgres.js'
import { callerOf, uploaded, type Caller } from '../../src/testing/app-under-test.js'
import { TINY_GCODE } from '../../src/testing/tiny-gcode.js'
import { MAIN, ServerProcesses, terminated, type ServerProcess } from './server-process.js'

let dataDir: string
let servers: ServerProcesses

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'gantry-process-'))
  servers = new ServerProcesses(dataDir)
})
afterEach(async () => {
  await servers.killAll()
  await stopAbandonedPostgres({ dataDir, log: { info: () => undefined } })
  await rm(dataDir, { recursive: true, force: true })
})

const startServer = (settings: Record<string, string> = {}): ServerProcess => servers.start(settings)

const PASSWORD = /password {2}(\S+)/

const logIn = async (url: string, password: string): Promise<Caller> => {
  const { accessToken } = await callerOf(url, {}).trpc.auth.login.mutate({ email: 'admin@gantry.local', password })
  return callerOf(url, { Authorization: `Bearer ${accessToken}` })
}

/** PostgreSQL takes this file away when it has stopped well. An orphan's pid lasts until init reaps it. */
const isPostgresRunning = () => existsSync(join(dataDir, 'postgres/cluster/postmaster.pid'))

/** A file, a project of it and a printer; the printer's key is sealed with the installation's own key. */
const fill = async (caller: Caller) => {
  const file = await uploaded(caller, 'tiny.gcode', TINY_GCODE)
  const parts = [{ name: 'Part', fileId: file.id, targetQuantity: 3 }]
  const project = await caller.trpc.projects.create.mutate({ name: 'Kept', parts })
  const host = { kind: 'octoprint', url: 'http://192.0.2.1', apiKey: 'key', checkConnection: false } as const
  const printer = await caller.trpc.printers.create.mutate({ name: 'Kept', ...host })
  return { file, project, printer }
}

const look = async ({ trpc, rest }: Caller, { file, project, printer }: Awaited<ReturnType<typeof fill>>) => {
  const { status: _status, ...found } = await trpc.printers.get.query({ id: printer.id })
  const content = await rest('GET', `/api/files/${file.id}/content`)
  return [await trpc.projects.get.query({ id: project.id }), found, content.body]
}

describe('the server as a process on a bare machine', () => {
  it('keeps everything over a stop, a restart and a kill -9, and shows the first password once', async () => {
    const first = startServer()
    const firstUrl = await first.ready()
    const password = PASSWORD.exec(first.terminal())?.[1] ?? ''
    expect(first.terminal()).toContain(`${firstUrl}/account`)
    const caller = await logIn(firstUrl, password)
    const things = await fill(caller)
    const before = await look(caller, things)
    expect(before[2]).toBe(TINY_GCODE)

    expect(isPostgresRunning()).toBe(true)
    const end = await terminated(first)
    expect(end.ending).toBe(0)
    expect(end.seconds).toBeLessThan(25)
    expect(isPostgresRunning()).toBe(false)

    const second = startServer()
    const secondCaller = await logIn(await second.ready(), password)
    expect(await look(secondCaller, things)).toEqual(before)
    const later = await secondCaller.trpc.projects.create.mutate({ name: 'Just before the end' })
    second.child.kill('SIGKILL')
    expect(await second.over).toBe('SIGKILL')
    expect(isPostgresRunning()).toBe(true)

    const third = startServer()
    const thirdCaller = await logIn(await third.ready(), password)
    expect(await look(thirdCaller, things)).toEqual(before)
    expect(await thirdCaller.trpc.projects.get.query({ id: later.id })).toMatchObject({ name: 'Just before the end' })
    expect((await terminated(third)).ending).toBe(0)
    expect(isPostgresRunning()).toBe(false)

    expect(first.terminal().split(password)).toHaveLength(2)
    expect((second.terminal() + third.terminal()).includes(password)).toBe(false)
    expect(PASSWORD.test(second.terminal() + third.terminal())).toBe(false)
  }, 180_000)

  it('ends at once, with code 1, for who asks again later, but not for one wish sent twice', async () => {
    const server = startServer({ SHUTDOWN_DRAIN_SECONDS: '10' })
    const url = await server.ready()
    server.child.kill('SIGTERM')
    server.child.kill('SIGINT')
    const isDraining = async () => (await fetch(`${url}/ready`)).status === 503
    await expect.poll(isDraining).toBe(true)
    // The process's own clock tells one wish from two.
    await sleep(1_000)
    expect(await isDraining()).toBe(true)
    const { ending, seconds } = await terminated(server)
    expect(ending).toBe(1)
    expect(seconds).toBeLessThan(3)
  }, 90_000)
})

describe('a server that cannot start says why in a sentence and exits with 1', () => {
  it.each([
    [
      'settings are wrong',
      { PORT: 'many', GANTRY_SECRET_KEY: 'too-short-a-secret' },
      [/PORT .*\(it is "many"\)/, /GANTRY_SECRET_KEY must be 32 bytes/],
    ],
    ['the data folder is a file', { GANTRY_DATA_DIR: MAIN }, [/GANTRY_DATA_DIR/]],
  ])('when %s', async (_when, settings: Record<string, string>, sentences) => {
    const server = startServer(settings)
    expect(await server.over).toBe(1)
    for (const sentence of sentences) expect(server.terminal()).toMatch(sentence)
    expect(server.terminal()).toMatch(/^Gantry gave up: /m)
    expect(server.terminal()).not.toMatch(/too-short-a-secret|\n {4}at /)
  })

  it('when its port is taken', async () => {
    const server = startServer()
    const { port } = new URL(await server.ready())
    const second = startServer({ PORT: port })
    expect(await second.over).toBe(1)
    expect(second.terminal()).toMatch(new RegExp(`Gantry gave up: .*${port}`))
    expect((await fetch(`http://127.0.0.1:${port}/ready`)).status).toBe(200)
  }, 90_000)
})
