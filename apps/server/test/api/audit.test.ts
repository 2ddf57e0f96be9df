import { randomBytes } from 'node:crypto'

import type { AuditEntry } from '@gantry/schemas'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { runAuditVerify } from '../../src/app/audit-verify.js'
import { appRouter } from '../../src/routers/app-router.js'
import {
  callerOf,
  PASSWORD,
  startAppUnderTest,
  uploaded,
  type AppUnderTest,
  type Caller,
} from '../../src/testing/app-under-test.js'
import { entriesOf, sealed } from '../../src/testing/audit-log.js'
import { CHANGES } from './audit-changes.js'
import { ADMIN_EMAIL, ISSUER } from './audit-people.js'
import { stage } from './audit-stage.js'

/** Calls that leave no entry, and why. */
const LEAVE_NONE: Readonly<Record<string, string>> = {
  'auth.refresh':
    'goes on with a session every few minutes by itself; that it ends one, when a token comes twice, is in the log',
  'auth.renewBrowserSession': 'the same, by a cookie',
}

const SOON = { timeout: 30_000, interval: 20 }

let app: AppUnderTest
let admin: Caller['trpc']
beforeAll(async () => {
  // No fleet: nobody but who calls changes anything.
  app = await startAppUnderTest({
    ...{ GANTRY_ROLES: 'api,worker', WEBHOOK_ALLOW_LOOPBACK: 'true', REGISTRATION: 'open' },
    ...{
      PUBLIC_URL: 'https://gantry.test',
      OIDC_ISSUER: ISSUER,
      OIDC_CLIENT_ID: 'gantry',
      OIDC_DEFAULT_ROLE: 'viewer',
    },
  })
  admin = app.admin.trpc
})
afterAll(() => app[Symbol.asyncDispose]())

/** Does what is refused so often, and waits until all of that stands in the log. */
const refused = async (times: number, act: () => Promise<unknown>) => {
  const counted = async () => {
    const { _sum } = await app.prisma.auditEntry.aggregate({ where: { outcome: 'refused' }, _sum: { times: true } })
    return _sum.times ?? 0
  }
  const before = await counted()
  await act()
  await expect.poll(counted, SOON).toBe(before + times)
}

const keyOf = ({ trpc }: Caller) =>
  trpc.apiKeys.create.mutate({ password: PASSWORD, name: 'robot', scopes: ['projects.create'] })

const said = ({ targetType, events, changes }: AuditEntry) => ({
  target: targetType,
  events: events.map(({ type }) => type),
  changes: changes.map(({ table, operation }) => `${table} ${operation}`),
})

/** Carries all of them out, one after the other; orders to printers, which nobody answers, at once. */
const carryOut = async (ids: ReadonlyMap<string, string>, on: ReturnType<typeof stage>) => {
  const orders: Promise<unknown>[] = []
  for (const [procedure, { act, changes }] of Object.entries(CHANGES)) {
    const done = act(admin, ids.get(procedure) ?? '', on)
    if (changes?.[0] === 'printer_command insert') orders.push(done)
    else await done
  }
  await Promise.all(orders)
}

describe('every call that changes something', () => {
  it('is known to this test', () => {
    const procedures = Object.entries(
      appRouter._def.procedures as unknown as Record<string, { _def: { type: string } }>,
    )
    const mutations = procedures.filter(([, { _def }]) => _def.type === 'mutation').map(([name]) => name)
    expect([...Object.keys(CHANGES), ...Object.keys(LEAVE_NONE)].sort()).toEqual([...mutations, 'files.upload'].sort())
  })

  it('leaves exactly one entry, which names who, what and on what; nobody else leaves any', async () => {
    const on = stage(app)
    const ids = new Map<string, string>()
    for (const [procedure, { prepare }] of Object.entries(CHANGES)) ids.set(procedure, (await prepare(on))?.id ?? '')
    const entries = await entriesOf(app, () => carryOut(ids, on))
    const byAction = (action: string) => entries.filter((entry) => entry.action === action)
    const actions = entries.map(({ action }) => action)
    expect(actions.toSorted()).toEqual(Object.keys(CHANGES).toSorted())
    for (const [procedure, { target, by, events = [], changes }] of Object.entries(CHANGES)) {
      const entry = byAction(procedure).at(-1)!
      expect({ procedure, ...said(entry) }).toMatchObject({
        ...{ procedure, target, ...(events.length > 0 && { events }) },
        ...(changes !== undefined && { changes: expect.arrayContaining(changes) as string[] }),
      })
      expect(entry).toMatchObject({ outcome: 'done', ip: '127.0.0.1', times: 1, omitted: 0 })
      expect(entry.targetId).toBeTruthy()
      expect(entry.requestId).toBeTruthy()
      const given = ids.get(procedure) ?? ''
      const who = {
        admin: { actorKind: 'user', actorName: ADMIN_EMAIL },
        themselves: { actorKind: 'user', actorId: given || entry.targetId },
        anonymous: { actorKind: 'anonymous', actorId: null },
      }[by ?? 'admin']
      expect({ procedure, ...entry }).toMatchObject({ procedure, ...who })
      if (given !== '' && target !== 'job_queue' && procedure !== 'printJobs.submit') {
        expect({ procedure, text: JSON.stringify(entry) }).toMatchObject({
          procedure,
          text: expect.stringContaining(given) as string,
        })
      }
    }
  }, 120_000)
})

describe('the log of this server', () => {
  it('has refused logins with the account that was tried, and what somebody may not, counted', async () => {
    const viewer = await app.logInAs('viewer')
    const entries = await entriesOf(app, () =>
      refused(6, async () => {
        const wrong = { email: 'Nobody@example.org', password: 'wrong' }
        for (let time = 0; time < 3; time += 1) await app.nobody.rest('POST', '/api/auth/login', wrong)
        for (let time = 0; time < 2; time += 1) await viewer.rest('GET', '/api/webhooks')
        await viewer.upload('a.gcode', 'G28\n')
      }),
    )
    const counted = (action: string) =>
      entries.filter((entry) => entry.action === action).reduce((sum, { times }) => sum + times, 0)
    expect(entries.find(({ action }) => action === 'auth.login')).toMatchObject({
      ...{ outcome: 'refused', errorCode: 'INVALID_CREDENTIALS', actorKind: 'anonymous', actorId: null },
      ...{ actorName: 'nobody@example.org', ip: '127.0.0.1', changes: [], events: [] },
    })
    expect(entries.find(({ action }) => action === 'webhooks.list')).toMatchObject({
      ...{ outcome: 'refused', errorCode: 'FORBIDDEN', actorKind: 'user' },
    })
    expect([counted('auth.login'), counted('webhooks.list'), counted('files.upload')]).toEqual([3, 2, 1])
  })

  it('has wrong passwords and codes of who is logged in, counted', async () => {
    const viewer = await app.logInAs('viewer')
    const { id } = await viewer.trpc.auth.me.query()
    await viewer.trpc.secondFactor.begin.mutate({ password: PASSWORD })
    const entries = await entriesOf(app, () =>
      refused(4, async () => {
        const wrong = { currentPassword: 'wrong', newPassword: 'seven purple lanterns' }
        for (let time = 0; time < 2; time += 1) await viewer.rest('PUT', '/api/auth/me/password', wrong)
        await viewer.rest('POST', '/api/api-keys', { password: 'wrong', name: 'key', scopes: ['files.read'] })
        await viewer.rest('POST', '/api/second-factor/confirm', { code: '000000' })
      }),
    )
    const told = new Set(
      entries.map(({ action, outcome, errorCode, actorId }) => [action, outcome, errorCode, actorId].join()),
    )
    const actions = ['auth.changePassword', 'apiKeys.create', 'secondFactor.confirm']
    expect(told).toEqual(new Set(actions.map((action) => [action, 'refused', 'INVALID_CREDENTIALS', id].join())))
  })

  it('tells what a key did from what its user did, and what it was refused', async () => {
    const { id, key } = await keyOf(app.admin)
    const byKey = callerOf(app.url, { Authorization: `Bearer ${key}` })
    const entries = await entriesOf(app, async () => {
      await byKey.trpc.projects.create.mutate({ name: 'By the key' })
      await admin.projects.create.mutate({ name: 'By its user' })
      await refused(1, () => byKey.rest('GET', '/api/printers'))
    })
    const me = await admin.auth.me.query()
    const robot = { actorKind: 'api_key', actorId: id, actorName: `robot (${ADMIN_EMAIL})` }
    expect(entries).toMatchObject([
      { ...robot, action: 'projects.create', outcome: 'done', events: [{ type: 'project.created' }] },
      { actorKind: 'user', actorId: me.id, actorName: ADMIN_EMAIL, action: 'projects.create' },
      { ...robot, action: 'printers.list', outcome: 'refused', errorCode: 'FORBIDDEN' },
    ])
    expect((await admin.audit.list.query({ actorId: id })).items).toHaveLength(2)
    const [made] = (await admin.audit.list.query({ targetId: id, action: 'apiKeys.create' })).items
    expect(made?.events).toMatchObject([{ payload: { apiKeyId: id, userId: me.id } }])
    const { requestId } = entries[0]!
    const lines = app.logLines.map((line) => JSON.parse(line) as Record<string, unknown>)
    const ofKey = lines.filter((line) => line['requestId'] === requestId && line['msg'] === 'request')
    expect(ofKey).toMatchObject([{ apiKeyId: id, userId: me.id, sessionId: null }])
  })

  it('is searched by who, what, on what, when and how it ended, in pages, and by admins alone', async () => {
    const { id } = await admin.projects.create.mutate({ name: 'Searched' })
    const part = await uploaded(app.admin, 'searched.gcode', 'G28\n')
    await admin.projects.addPart.mutate({ id, name: 'part', fileId: part.id, targetQuantity: 1 })
    await sealed(app)
    const actions = async (filter: Parameters<typeof admin.audit.list.query>[0]) =>
      (await admin.audit.list.query(filter)).items.map(({ action }) => action)
    expect(await actions({ targetId: id })).toEqual(['projects.addPart', 'projects.create'])
    expect(await actions({ targetId: id, action: 'projects.create' })).toEqual(['projects.create'])
    expect(await actions({ targetId: id, action: 'files.' })).toEqual([])
    expect(await actions({ targetId: part.latest.id })).toEqual(['projects.addPart', 'files.upload'])
    expect(await actions({ targetId: id, outcome: 'refused' })).toEqual([])
    expect(await actions({ targetId: id, targetType: 'printer' })).toEqual([])
    expect(await actions({ targetId: id, ip: '10.0.0.1' })).toEqual([])
    const [{ at, actorId }] = (await admin.audit.list.query({ targetId: id, limit: 1 })).items as [AuditEntry]
    expect(await actions({ targetId: id, from: at })).toEqual(['projects.addPart'])
    expect(await actions({ targetId: id, to: at, actorId: actorId ?? '' })).toEqual(['projects.create'])
    const first = await admin.audit.list.query({ targetId: id, limit: 1 })
    const second = await admin.audit.list.query({ targetId: id, limit: 1, cursor: first.nextCursor ?? '' })
    expect([second.items[0]?.action, second.nextCursor]).toEqual(['projects.create', null])
    expect(
      (await app.admin.rest('GET', `/api/audit?targetId=${id}&limit=1&from=${at.toISOString()}`)).body,
    ).toMatchObject({
      items: [{ action: 'projects.addPart', actorName: ADMIN_EMAIL }],
    })
    expect((await app.admin.rest('GET', '/api/audit?cursor=nonsense')).error?.code).toBe('VALIDATION_FAILED')
    expect((await app.admin.rest('GET', '/api/audit?targetId=%00')).error?.code).toBe('VALIDATION_FAILED')
    const operator = await app.logInAs('operator')
    await refused(1, async () => expect((await operator.rest('GET', '/api/audit')).error?.code).toBe('FORBIDDEN'))
  })

  it('is taken out whole by an admin; of others what they did, without what was changed', async () => {
    const operator = await app.logInAs('operator')
    await operator.trpc.projects.create.mutate({ name: 'Theirs' })
    await sealed(app)
    const taken = async (caller: Caller, scope: 'own' | 'farm', format: 'json' | 'csv' = 'json') => {
      const { id } = await caller.trpc.exports.create.mutate({ kind: 'audit', scope, format })
      await expect.poll(async () => (await caller.trpc.exports.get.query({ id })).state, SOON).toBe('ready')
      const { downloadUrl } = await caller.trpc.exports.get.query({ id })
      return (await fetch(app.url + (downloadUrl ?? ''))).text()
    }
    const farm = JSON.parse(await taken(app.admin, 'farm')) as { audit: Partial<AuditEntry>[] }
    expect(farm.audit.map(({ seq }) => seq)).toEqual(farm.audit.map((_, index) => index + 1))
    expect(farm.audit[0]).toHaveProperty('changes')
    const own = JSON.parse(await taken(operator, 'own')) as { audit: Partial<AuditEntry>[] }
    expect(own.audit.map(({ action }) => action)).toEqual(['auth.login', 'projects.create'])
    expect(own.audit[0]).not.toHaveProperty('changes')
    const byKey = callerOf(app.url, { Authorization: `Bearer ${(await keyOf(operator)).key}` })
    await byKey.trpc.projects.create.mutate({ name: 'Theirs by a key' })
    await sealed(app)
    const both = JSON.parse(await taken(operator, 'own')) as { audit: Partial<AuditEntry>[] }
    expect(both.audit.at(-1)).toMatchObject({ actorKind: 'api_key', action: 'projects.create' })
    expect((await taken(app.admin, 'farm', 'csv')).split('\r\n')[0]).toMatch(/^seq,at,actorKind,actorId,/)
  })
})

it('no secret that passes through the server is in the log', async () => {
  const planted = (place: string) => `s3cr3t${place}0123456789`
  const printer = { kind: 'octoprint', checkConnection: false } as const
  const entries = await entriesOf(app, async () => {
    const { id } = await admin.printers.create.mutate({
      ...{ ...printer, name: 'Keyed', url: 'http://127.0.0.1:9', apiKey: planted('device') },
    })
    await admin.printers.update.mutate({ id, apiKey: planted('other'), checkConnection: false })
    await app.admin.rest('POST', '/api/webhooks', {
      ...{ url: `http://127.0.0.1:9/hook?token=${planted('url')}`, eventTypes: ['file.removed'] },
      description: `password=${planted('text')}`,
    })
    await admin.printers.hold.mutate({ id, note: `Authorization: Bearer ${planted('note')}` })
    await refused(1, () =>
      app.nobody.rest('POST', '/api/auth/login', { email: 'a@example.org', password: planted('password') }),
    )
    await fetch(`${app.url}/api/printers/${id}/release`, {
      ...{ method: 'POST', body: '{}' },
      headers: {
        ...app.admin.headers,
        'Content-Type': 'application/json',
        'User-Agent': `x Bearer ${planted('agent')}`,
      },
    })
  })
  expect(entries.map(({ action }) => action).toSorted()).toEqual(
    [
      'auth.login',
      'printers.create',
      'printers.hold',
      'printers.release',
      'printers.update',
      'webhooks.create',
    ].toSorted(),
  )
  expect(JSON.stringify(entries)).not.toContain('s3cr3t')
  expect(
    JSON.stringify(await app.prisma.auditEntry.findMany({ select: { changes: true, events: true } })),
  ).not.toContain('s3cr3t')
  expect(entries.find(({ action }) => action === 'printers.update')?.changes[0]).toMatchObject({
    ...{ before: { apiKeyCipher: '[redacted]' }, after: { apiKeyCipher: '[redacted]' } },
  })
})

it('under a key that was lost goes on only when somebody says so', async () => {
  await using own = await startAppUnderTest({ GANTRY_ROLES: 'api,worker' })
  const { email } = await own.prisma.user.findFirstOrThrow()
  await sealed(own)
  await own.stop()
  const config = { ...own.config, auth: { ...own.config.auth, secretKey: randomBytes(32) } }
  const command = async (...words: string[]) => {
    const lines: string[] = []
    const code = await runAuditVerify({ arguments: words, config, print: (line) => lines.push(line) })
    return { code, text: lines.join('\n') }
  }
  const lost = await command()
  expect(lost).toMatchObject({ code: 1, text: expect.stringContaining('under a key that is not known here') as string })
  await own.prisma.user.update({ where: { email }, data: { displayName: 'Changed' } })
  const key = Buffer.from(config.auth.secretKey).toString('base64')
  await using later = await startAppUnderTest({ ...{ DATABASE_URL: own.databaseUrl, GANTRY_SECRET_KEY: key } })
  await expect.poll(() => later.logLines.join(''), SOON).toContain('the audit log is not sealed')
  expect(await own.prisma.auditChange.count()).toBeGreaterThan(0)

  const [end = ''] = /\d+:[0-9a-f]{64}$/.exec(lost.text) ?? []
  expect(
    (
      await command(
        '--accept',
        end.replace(/.$/, (last) => (last === '0' ? '1' : '0')),
      )
    ).code,
  ).toBe(1)
  expect((await command('--accept', end)).code).toBe(0)
  await sealed(own)
  expect(await command()).toMatchObject({
    code: 0,
    text: expect.stringContaining('Sealed by an earlier key') as string,
  })
})

it('is verified by a command, which says where it is broken', async () => {
  await sealed(app)
  const command = async (...words: string[]) => {
    const lines: string[] = []
    const code = await runAuditVerify({ arguments: words, config: app.config, print: (line) => lines.push(line) })
    return { code, text: lines.join('\n') }
  }
  const right = await command()
  expect(right).toMatchObject({ code: 0, text: expect.stringContaining('is as it was sealed') as string })
  const [, end = ''] = /(\d+:[0-9a-f]{64})$/.exec(right.text) ?? []
  expect((await command(end)).code).toBe(0)
  expect((await command(end.replace(/.$/, (last) => (last === '0' ? '1' : '0')))).text).toContain(
    'is not the one that was noted',
  )
  for (const words of [['nonsense'], ['--accept'], ['1:2', '3:4']]) expect((await command(...words)).code).toBe(2)
  const { prisma } = app
  await prisma.$executeRaw`alter table audit_entry disable trigger audit_keep`
  await prisma.$executeRaw`update audit_entry set actor_name = 'somebody else' where seq = 4`
  expect(await command()).toMatchObject({
    code: 1,
    text: expect.stringMatching(/BROKEN: entry 4 is not what was sealed/) as string,
  })
})
