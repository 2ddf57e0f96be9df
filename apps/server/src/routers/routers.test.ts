import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { createTRPCClient, httpBatchLink } from '@trpc/client'
import superjson from 'superjson'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { createApp, type App } from '../app.js'
import { configFrom } from '../config/config.js'
import { createTestDatabase, type TestDatabase } from '../testing/database.js'
import type { AppRouter } from './app-router.js'

const EMAIL = 'admin@example.org'
const PASSWORD = 'a password for tests'

let database: TestDatabase
let dataDir: string
let app: App
let url: string

beforeAll(async () => {
  database = await createTestDatabase()
  dataDir = await mkdtemp(join(tmpdir(), 'gantry-routers-'))
  const environment = {
    DATABASE_URL: database.url,
    GANTRY_DATA_DIR: dataDir,
    GANTRY_ROLES: 'api',
    GANTRY_ADMIN_EMAIL: EMAIL,
    GANTRY_ADMIN_PASSWORD: PASSWORD,
    LOG_LEVEL: 'silent',
    SHUTDOWN_DRAIN_SECONDS: '0',
    PORT: '0',
  }
  app = createApp(configFrom(environment, dataDir))
  url = (await app.start()).url ?? ''
})

afterAll(async () => {
  await app.stop()
  await database.drop()
  await rm(dataDir, { recursive: true, force: true })
})

const clientWith = (accessToken: string | null) => {
  const headers = accessToken === null ? {} : { Authorization: `Bearer ${accessToken}` }
  const link = httpBatchLink({ url: `${url}/trpc`, transformer: superjson, headers })
  return createTRPCClient<AppRouter>({ links: [link] })
}

/** What a stream sends until `isEnough`; then it is left. */
const received = async (path: string, accessToken: string, isEnough: (text: string) => boolean): Promise<string> => {
  const headers = { Authorization: `Bearer ${accessToken}`, Accept: 'text/event-stream' }
  const { body } = await fetch(`${url}${path}`, { headers })
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of body as unknown as AsyncIterable<Uint8Array>) {
    text += decoder.decode(chunk, { stream: true })
    if (isEnough(text)) break
  }
  return text
}

const logIn = async () => {
  const session = await clientWith(null).auth.login.mutate({ email: EMAIL.toUpperCase(), password: PASSWORD })
  return { ...session, client: clientWith(session.accessToken) }
}

const coded = (code: string) => ({ data: { code } })

describe('over HTTP', () => {
  it('a session begins, is renewed and ends', async () => {
    const { client, user, refreshToken, accessTokenExpiresAt } = await logIn()
    expect(user).toMatchObject({ email: EMAIL, role: 'admin' })
    expect(accessTokenExpiresAt).toBeInstanceOf(Date)
    expect(await client.auth.me.query()).toEqual(user)
    const renewed = await clientWith(null).auth.refresh.mutate({ refreshToken })
    const later = clientWith(renewed.accessToken)
    expect(await later.auth.me.query()).toEqual(user)
    await later.auth.logout.mutate()
    await expect(later.auth.me.query()).rejects.toMatchObject(coded('SESSION_ENDED'))
    await expect(client.auth.me.query()).rejects.toMatchObject(coded('SESSION_ENDED'))
    const again = clientWith(null).auth.refresh.mutate({ refreshToken: renewed.refreshToken })
    await expect(again).rejects.toMatchObject(coded('SESSION_ENDED'))
  })

  it('a wrong password, no token and a bad token are told apart', async () => {
    const wrong = clientWith(null).auth.login.mutate({ email: EMAIL, password: 'wrong' })
    await expect(wrong).rejects.toMatchObject(coded('INVALID_CREDENTIALS'))
    await expect(clientWith(null).auth.me.query()).rejects.toMatchObject(coded('UNAUTHENTICATED'))
    await expect(clientWith('garbage').projects.list.query({})).rejects.toMatchObject(coded('UNAUTHENTICATED'))
  })

  it('a file becomes a part of a project, over REST as over tRPC', async () => {
    const { client, accessToken } = await logIn()
    const headers = { Authorization: `Bearer ${accessToken}` }
    const body = await readFile(new URL('../modules/files/fixtures/cura-cube.gcode', import.meta.url))
    const uploaded = await fetch(`${url}/api/files?name=cube.gcode`, {
      method: 'POST',
      headers: { ...headers, 'Content-Type': 'application/octet-stream' },
      body,
    })
    expect(uploaded.status).toBe(201)
    const { items } = await client.files.list.query({})
    expect(items).toMatchObject([{ name: 'cube.gcode', latest: { sizeBytes: body.length } }])
    const fileId = items[0]!.id
    const project = await client.projects.create.mutate({ name: 'Cubes', idempotencyKey: 'cubes-key-1' })
    const part = { id: project.id, name: 'Cube', fileId, targetQuantity: 3 }
    const { parts } = await client.projects.addPart.mutate(part)
    expect(parts).toMatchObject([{ name: 'Cube', fileVersionId: items[0]!.latest.id, targetQuantity: 3 }])
    const rest = await fetch(`${url}/api/projects/${project.id}`, { headers })
    expect(await rest.json()).toMatchObject({ name: 'Cubes', parts: [{ name: 'Cube' }] })
    const downloaded = await fetch(`${url}/api/files/${fileId}/content`, { headers })
    expect(Buffer.from(await downloaded.arrayBuffer())).toEqual(body)
    await client.files.remove.mutate({ id: fileId })
    await expect(client.files.get.query({ id: fileId })).rejects.toMatchObject(coded('NOT_FOUND'))
  })

  it('the stream of alarms begins with a snapshot and a cursor', async () => {
    const { client, accessToken } = await logIn()
    const text = await received('/trpc/alarms.onChange', accessToken, (so) => so.includes('"snapshot"'))
    expect(text).toMatch(/"resync":false,"alarms":\[\]/)
    expect(text).toMatch(/\nid: ?\d+-\d+\n/)
    expect(await client.alarms.list.query({ includeCleared: true })).toEqual({ items: [], nextCursor: null })
  })

  it('the system says what it is', async () => {
    const { client } = await logIn()
    expect(await client.system.info.query()).toMatchObject({ database: 'external', roles: ['api'], timeZone: 'UTC' })
  })
})
