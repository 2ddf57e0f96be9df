import type { DataExport } from '@gantry/schemas'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { newId } from '../../src/kernel/index.js'
import { startAppUnderTest, type AppUnderTest, type Caller } from '../../src/testing/app-under-test.js'
import { unzipped } from '../../src/testing/unzipped.js'

let app: AppUnderTest
beforeAll(async () => {
  app = await startAppUnderTest({ GANTRY_ROLES: 'api,worker' })
})
afterAll(() => app[Symbol.asyncDispose]())

const SOON = { timeout: 30_000, interval: 50 }

/** The export, once it has this state. */
const inState = async ({ trpc }: Caller, id: string, state: DataExport['state']): Promise<DataExport> => {
  await expect.poll(async () => (await trpc.exports.get.query({ id })).state, SOON).toBe(state)
  return trpc.exports.get.query({ id })
}

const made = async (caller: Caller, input: Parameters<Caller['trpc']['exports']['create']['mutate']>[0]) => {
  const { id } = await caller.trpc.exports.create.mutate(input)
  return inState(caller, id, 'ready')
}

const take = (path: string, headers: Record<string, string> = {}) => fetch(app.url + path, { headers })

/** Status and code of what is refused. */
const refusal = async (path: string, headers: Record<string, string> = {}) => {
  const response = await take(path, headers)
  const { error } = (await response.json()) as { error: { code: string; message: string; params: unknown } }
  return [response.status, error.code, error.message, error.params]
}

const tampered = (path: string) => path.replace(/signature=(.)/, (_, first) => `signature=${first === 'A' ? 'B' : 'A'}`)

const idOf = async ({ trpc }: Caller) => (await trpc.auth.me.query()).id

describe('the link of an export', () => {
  const codeOf = async (path: string | null) => {
    const response = await take(path ?? '')
    if (response.ok) return (await response.arrayBuffer()).byteLength > 0 ? 'OK' : 'empty'
    return ((await response.json()) as { error: { code: string } }).error.code
  }

  it('is worth nothing while its user may have no exports, or is disabled', async () => {
    const ada = await app.logInAs('viewer')
    const userId = await idOf(ada)
    const { downloadUrl } = await made(ada, { kind: 'full' })
    expect(await codeOf(downloadUrl)).toBe('OK')
    const { roles, users } = app.admin.trpc
    const { id: role } = await roles.create.mutate({ name: 'no exports', permissions: ['files.read'] })
    await roles.assign.mutate({ userId, role })
    expect((await refusal(downloadUrl ?? '')).slice(0, 2)).toEqual([403, 'FORBIDDEN'])
    await roles.assign.mutate({ userId, role: 'viewer' })
    expect(await codeOf(downloadUrl)).toBe('OK')
    await users.disable.mutate({ id: userId })
    expect(await codeOf(downloadUrl)).toBe('FORBIDDEN')
  })

  it('to data of the farm is worth nothing for who lost the farm, and is not when it is given another user', async () => {
    const [boss, other] = [await app.logInAs('admin'), await app.logInAs('admin')]
    const { downloadUrl } = await made(boss, { kind: 'projects', scope: 'farm' })
    expect(await codeOf(downloadUrl)).toBe('OK')
    await app.admin.trpc.roles.assign.mutate({ userId: await idOf(boss), role: 'operator' })
    expect(await codeOf(downloadUrl)).toBe('FORBIDDEN')
    expect(await codeOf((downloadUrl ?? '').replace(await idOf(boss), await idOf(other)))).toBe('LINK_REFUSED')
  })

  it('is over when its user was kept to some projects after it was made, and that of one made since is good', async () => {
    const ada = await app.logInAs('operator')
    const userId = await idOf(ada)
    const { downloadUrl } = await made(ada, { kind: 'projects' })
    const { id: projectId } = await app.admin.trpc.projects.create.mutate({ name: 'hers' })
    await app.admin.trpc.userScopes.set.mutate({ userId, printers: null, projectIds: [projectId] })
    expect((await refusal(downloadUrl ?? '')).slice(0, 2)).toEqual([410, 'LINK_EXPIRED'])
    const again = await made(ada, { kind: 'projects' })
    expect(await codeOf(again.downloadUrl)).toBe('OK')
    // Who may see everything may have it again.
    await app.admin.trpc.userScopes.set.mutate({ userId, printers: null, projectIds: null })
    expect(await codeOf(downloadUrl)).toBe('OK')
  })

  it('that an admin was given for a user is good as long as the admin may look after the user', async () => {
    const [boss, ada] = [await app.logInAs('admin'), await app.logInAs('viewer')]
    const userId = await idOf(ada)
    const { users, roles } = app.admin.trpc
    const { id: exportId } = await boss.trpc.users.orderExport.mutate({ id: userId })
    const found = () => boss.trpc.users.getExport.query({ id: userId, exportId })
    await expect.poll(async () => (await found()).state, SOON).toBe('ready')
    await users.disable.mutate({ id: userId })
    const { downloadUrl } = await found()
    expect(await codeOf(downloadUrl)).toBe('OK')
    await roles.assign.mutate({ userId: await idOf(boss), role: 'operator' })
    expect(await codeOf(downloadUrl)).toBe('FORBIDDEN')
  })
})

describe('an export over HTTP', () => {
  it('is ordered, made in the background, and taken by its link without a login', async () => {
    const ada = await app.logInAs('viewer')
    await app.admin.trpc.projects.create.mutate({ name: '=HYPERLINK("x")' })
    const ordered = await ada.trpc.exports.create.mutate({ kind: 'full' })
    expect(ordered).toMatchObject({ state: 'queued', progress: 0, downloadUrl: null, sizeBytes: null })
    const ready = await inState(ada, ordered.id, 'ready')
    const response = await take(ready.downloadUrl ?? '')
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'cache-control': 'no-store',
      'content-type': 'application/json',
      'content-length': String(ready.sizeBytes),
      'content-disposition': expect.stringContaining(`attachment; filename="${ready.fileName}"`) as string,
    })
    const document = (await response.json()) as Record<string, { email?: string; id?: string }[]>
    const me = await ada.trpc.auth.me.query()
    expect(document['profile']).toMatchObject([{ id: me.id, email: me.email }])
    expect(document['sessions']).toHaveLength(1)
    expect(document['projects']).toEqual([])
    expect(await ada.trpc.exports.list.query({})).toMatchObject({ items: [{ id: ordered.id }], nextCursor: null })
  })

  it('of the farm comes as a ZIP of CSV files that no spreadsheet computes', async () => {
    const { downloadUrl } = await made(app.admin, { kind: 'full', scope: 'farm', format: 'csv' })
    const response = await take(downloadUrl ?? '')
    expect(response.headers.get('content-type')).toBe('application/zip')
    const files = unzipped(Buffer.from(await response.arrayBuffer()))
    expect(Object.keys(files)).toEqual(['projects.csv', 'jobs.csv', 'attempts.csv', 'analytics.csv'])
    expect(files['projects.csv']).toContain(`"'=HYPERLINK(""x"")"`)
  })

  it('is sent in ranges', async () => {
    const { downloadUrl, sizeBytes } = await made(app.admin, { kind: 'projects', scope: 'farm' })
    const path = downloadUrl ?? ''
    const whole = await take(path)
    const text = await whole.text()
    const etag = whole.headers.get('etag') ?? ''
    const part = await take(path, { Range: 'bytes=5-14', 'If-Range': etag })
    expect([part.status, part.headers.get('content-range')]).toEqual([206, `bytes 5-14/${sizeBytes}`])
    expect(await part.text()).toBe(text.slice(5, 15))
    const stale = await take(path, { Range: 'bytes=5-14', 'If-Range': '"another"' })
    expect([stale.status, await stale.text()]).toEqual([200, text])
    const beyond = await take(path, { Range: `bytes=${sizeBytes}-` })
    expect([beyond.status, beyond.headers.get('content-range')]).toEqual([416, `bytes */${sizeBytes}`])
    const head = await fetch(app.url + path, { method: 'HEAD' })
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, String(sizeBytes), ''])
  })

  it('is refused by a link that was changed alike whether there is an export or not, and no line of the log has one', async () => {
    const { id, downloadUrl } = await made(app.admin, { kind: 'projects', scope: 'farm' })
    const path = downloadUrl ?? ''
    const refused = [403, 'LINK_REFUSED', 'This link was not given by this server.', {}]
    expect(await refusal(tampered(path))).toEqual(refused)
    expect(await refusal(path.replace(id, newId('export')))).toEqual(refused)
    expect(await refusal(path.replace(id, 'nothing'))).toEqual(refused)
    expect(await refusal(path.replace(/user=[^&]+/, `user=${newId('user')}`))).toEqual(refused)
    expect(await refusal(`/api/exports/${id}/download`)).toEqual(refused)
    expect((await take(path)).status).toBe(200)
    const signature = new URLSearchParams(path.split('?')[1]).get('signature') ?? ''
    expect(signature).toHaveLength(43)
    expect(app.logLines.filter((line) => line.includes(signature))).toEqual([])
  })

  it('is nobody else’s to see, take or remove; and gone with its link when its user removes it', async () => {
    const [ada, eve] = [await app.logInAs('operator'), await app.logInAs('operator')]
    const { id, downloadUrl } = await made(ada, { kind: 'jobs' })
    for (const stranger of [eve, app.admin]) {
      expect((await stranger.rest('GET', `/api/exports/${id}`)).status).toBe(404)
      expect((await stranger.rest('DELETE', `/api/exports/${id}`)).status).toBe(404)
      expect((await stranger.trpc.exports.list.query({})).items.map((item) => item.id)).not.toContain(id)
    }
    expect((await eve.rest('POST', '/api/exports', { kind: 'jobs', scope: 'farm' })).error?.code).toBe('FORBIDDEN')
    expect((await app.nobody.rest('GET', '/api/exports')).status).toBe(401)
    await ada.trpc.exports.remove.mutate({ id })
    expect((await refusal(downloadUrl ?? '')).slice(0, 2)).toEqual([410, 'LINK_EXPIRED'])
    expect((await ada.rest('GET', `/api/exports/${id}`)).status).toBe(404)
  })

  it('is made of what an older producer put into the queue', async () => {
    const ada = await app.logInAs('operator')
    const { id: userId } = await ada.trpc.auth.me.query()
    const payload = { userId, exportType: 'analytics', format: 'csv' }
    await app.prisma.outbox.create({ data: { id: newId('outbox'), type: 'DATA_EXPORT', version: 1, payload } })
    const listed = async () => (await ada.trpc.exports.list.query({})).items.map(({ state }) => state)
    await expect.poll(listed, SOON).toEqual(['ready'])
    const [item] = (await ada.trpc.exports.list.query({})).items
    expect(item).toMatchObject({ kind: 'analytics', scope: 'own', format: 'csv' })
    expect(await (await take(item?.downloadUrl ?? '')).text()).toMatch(/^day,completed,failed,/)
  })
})
