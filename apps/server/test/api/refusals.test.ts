import {
  ROLE_PERMISSIONS,
  type ErrorBody,
  type ErrorCode,
  type Printer,
  type PrintFile,
  type PrintJob,
  type Project,
  type UserRole,
} from '@gantry/schemas'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'

import { restProceduresOf } from '../../src/http/rest/rest-procedures.js'
import { newId } from '../../src/kernel/index.js'
import { appRouter } from '../../src/routers/app-router.js'
import {
  PASSWORD,
  startAppUnderTest,
  uploaded,
  type Answer,
  type AppUnderTest,
} from '../../src/testing/app-under-test.js'
import { TINY_GCODE } from '../../src/testing/tiny-gcode.js'

let app: AppUnderTest
let file: PrintFile
let project: Project
let job: PrintJob
let printer: Printer

beforeAll(async () => {
  app = await startAppUnderTest({ GANTRY_ROLES: 'api' })
  const { trpc } = app.admin
  file = await uploaded(app.admin, 'tiny.gcode', TINY_GCODE)
  const part = { name: 'Part', fileId: file.id, targetQuantity: 2 }
  project = await trpc.projects.create.mutate({ name: 'Project', parts: [part] })
  job = await trpc.printJobs.submit.mutate({ source: { fileId: file.id, copies: 1 } })
  printer = await trpc.printers.create.mutate({ ...CELLAR, name: 'Cellar' })
})
afterAll(() => app[Symbol.asyncDispose]())

const CELLAR = { kind: 'octoprint', url: 'http://127.0.0.1:9', checkConnection: false } as const

/** The refusal, after a look that it left nothing behind and that the server goes on. */
const refusal = async (call: () => Promise<Answer>): Promise<ErrorBody> => {
  const before = await app.kept()
  const { error, body } = await call()
  if (error === null) throw new Error(`not refused: ${JSON.stringify(body)}`)
  expect(await app.kept()).toEqual(before)
  expect((await app.nobody.rest('GET', '/ready')).status).toBe(200)
  return error
}

const coded = async (call: () => Promise<Answer>) => (await refusal(call)).code

const unused = {
  group: newId('printerGroup'),
  location: newId('location'),
  file: newId('file'),
  part: newId('projectPart'),
}

/** The path and body of creating things; what is wrong with the body, and the field that must be named. */
const FAULTY: [path: string, fault: string, body: object, field: string][] = [
  ['/api/projects', 'no name', {}, 'name'],
  ['/api/projects', 'an empty name', { name: '  ' }, 'name'],
  ['/api/projects', 'a name of a thousand letters', { name: 'x'.repeat(1_000) }, 'name'],
  ['/api/projects', 'a name that no database stores', { name: 'a\0b' }, 'name'],
  ['/api/projects', 'half a character', { name: '\ud83d' }, 'name'],
  ['/api/projects', 'an unknown field', { name: 'A', colour: 'red' }, 'colour'],
  ['/api/projects', 'a day that is none', { name: 'A', dueAt: '2026-13-45T00:00:00Z' }, 'dueAt'],
  [
    '/api/projects',
    'no pieces',
    { name: 'A', parts: [{ name: 'P', fileId: unused.file, targetQuantity: 0 }] },
    'parts.0.targetQuantity',
  ],
  ['/api/projects', 'a short key', { name: 'A', idempotencyKey: 'short' }, 'idempotencyKey'],
  ['/api/printers', 'no URL', { name: 'A', kind: 'octoprint' }, 'url'],
  ['/api/printers', 'a URL of another kind', { ...CELLAR, name: 'A', url: 'file:///etc/passwd' }, 'url'],
  ['/api/printers', 'a URL with a password', { ...CELLAR, name: 'A', url: 'http://octo:secret@10.0.0.5' }, 'url'],
  ['/api/printers', 'an unknown kind', { ...CELLAR, name: 'A', kind: 'loom' }, 'kind'],
  ['/api/printers', 'a number as a name', { ...CELLAR, name: 7 }, 'name'],
  ['/api/printers', 'a flat bed', { ...CELLAR, name: 'A', buildVolume: { xMm: 1, yMm: 1, zMm: 0 } }, 'buildVolume.zMm'],
  [
    '/api/printers',
    'a colour that is none',
    { ...CELLAR, name: 'A', materials: [{ material: 'PLA', colorHex: 'red' }] },
    'materials.0.colorHex',
  ],
  ['/api/print-jobs', 'no source', {}, 'source'],
  [
    '/api/print-jobs',
    'a priority beyond all',
    { source: { fileId: unused.file, copies: 1 }, priority: 1e9 },
    'priority',
  ],
]

/** What is well-formed and is not there. */
const ABSENT: [path: string, what: string, body: object, field: string | null][] = [
  ['/api/printers', 'group', { ...CELLAR, name: 'A', groupId: unused.group }, 'groupId'],
  ['/api/printers', 'location', { ...CELLAR, name: 'A', locationId: unused.location }, 'locationId'],
  [
    '/api/projects',
    'file',
    { name: 'A', parts: [{ name: 'P', fileId: unused.file, targetQuantity: 1 }] },
    'parts.0.fileId',
  ],
  ['/api/print-jobs', 'file', { source: { fileId: unused.file, copies: 1 } }, null],
  ['/api/print-jobs', 'part', { source: { partId: unused.part } }, null],
]

describe('input that is wrong', () => {
  it.each(FAULTY)('is refused at %s with the field named: %s', async (path, _fault, body, field) => {
    const { code, fields } = await refusal(() => app.admin.rest('POST', path, body))
    expect([code, Object.keys(fields ?? {})]).toEqual(['VALIDATION_FAILED', [field]])
  })

  it.each(ABSENT)('is refused at %s when the %s is not there', async (path, _what, body, field) => {
    const { code, fields } = await refusal(() => app.admin.rest('POST', path, body))
    expect([code, Object.keys(fields ?? {})]).toEqual(['NOT_FOUND', field === null ? [] : [field]])
  })

  it('is refused over tRPC as over REST', async () => {
    const { code, fields } = await refusal(() => app.admin.call('mutation', 'projects.create', { name: '' }))
    expect([code, Object.keys(fields ?? {})]).toEqual(['VALIDATION_FAILED', ['name']])
  })

  it.each([
    ['half of a text', '{"name": "A'],
    ['a list', '[]'],
    ['a word', 'nothing'],
    ['a key that reaches prototypes', '{"name": "A", "__proto__": {}}'],
    ['a nest without end', `{"name": ${'['.repeat(5_000)}${']'.repeat(5_000)}}`],
  ])('is refused when its JSON is %s', async (_what, body) => {
    expect(await coded(() => app.admin.rest('POST', '/api/projects', body))).toBe('VALIDATION_FAILED')
    expect(await coded(() => app.admin.rest('POST', '/trpc/projects.create', body))).toBe('VALIDATION_FAILED')
  })

  it('is refused beyond a megabyte', async () => {
    const body = { name: 'x'.repeat(1_100_000) }
    expect(await coded(() => app.admin.rest('POST', '/api/projects', body))).toBe('REQUEST_TOO_LARGE')
  })

  it.each([
    'nonsense',
    Buffer.from('2026-01-01T00:00:00.000Z prn_\0').toString('base64url'),
    Buffer.from('-200000-01-01T00:00:00.000Z prn_1').toString('base64url'),
  ])('is refused as a cursor: %s', async (cursor) => {
    for (const list of ['printers', 'files', 'projects', 'print-jobs', 'alarms']) {
      const { code, fields } = await refusal(() => app.admin.rest('GET', `/api/${list}?cursor=${cursor}`))
      expect([list, code, Object.keys(fields ?? {})]).toEqual([list, 'VALIDATION_FAILED', ['cursor']])
    }
  })
})

interface TakesId {
  name: string
  method: string
  path: string
  type: 'query' | 'mutation'
  prefix: string
}

/** What the procedures need beside an id to get as far as looking for it. */
const BESIDE: Record<string, Record<string, unknown>> = {
  'attempts.resolve': { printed: true },
  'identities.unlink': { password: PASSWORD },
  'printers.setMaterials': { materials: [] },
  'projects.addPart': { name: 'Part', fileId: unused.file, targetQuantity: 1 },
  'users.delete': { waiveExport: true },
  'users.getExport': { exportId: newId('export') },
  'users.revokeSession': { sessionId: newId('session') },
  'users.unlinkIdentity': { identityId: newId('identity') },
}

const takingIds: TakesId[] = restProceduresOf(appRouter)
  .filter(({ rest }) => rest.path.includes('{id}'))
  .map(({ name, rest, input }) => {
    const complaint = input?.safeParse({ ...BESIDE[name], id: '' }).error
    const prefix = /starts with (\w+)_/.exec(complaint === undefined ? '' : z.prettifyError(complaint))?.[1] ?? ''
    const type = rest.method === 'GET' ? 'query' : 'mutation'
    return { name, method: rest.method, path: `/api${rest.path}`, type, prefix }
  })

const ask = ({ name, method, path }: TakesId, id: string) => {
  const beside: Record<string, unknown> = { ...BESIDE[name], id }
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, key: string) => encodeURIComponent(String(beside[key])))
  const rest = Object.entries(beside).filter(([key]) => !path.includes(`{${key}}`))
  if (method !== 'GET' && method !== 'DELETE') return app.admin.rest(method, filled, Object.fromEntries(rest))
  const query = new URLSearchParams(rest.map(([key, value]): [string, string] => [key, String(value)])).toString()
  return app.admin.rest(method, query === '' ? filled : `${filled}?${query}`)
}

describe('an id', () => {
  it('is taken by as many procedures as are tried here', () => {
    expect(takingIds.length).toBeGreaterThan(20)
    expect(takingIds.filter(({ prefix }) => prefix === '')).toEqual([])
  })

  it.each(takingIds)('that is unknown is not found by $name', async (procedure) => {
    const id = newId('printer').replace('prn', procedure.prefix)
    const error = await refusal(() => ask(procedure, id))
    expect(error).toMatchObject({ code: 'NOT_FOUND', params: { id } })
    const input = { ...BESIDE[procedure.name], id }
    expect(await coded(() => app.admin.call(procedure.type, procedure.name, input))).toBe('NOT_FOUND')
  })

  it.each(takingIds)('that is garbage is refused by $name', async (procedure) => {
    const garbage = [
      '1',
      `${procedure.prefix}_1`,
      newId(procedure.prefix === 'ses' ? 'printer' : 'session'),
      "' or 1=1 --",
      '\0',
      '../../etc/passwd',
      'x'.repeat(5_000),
    ]
    for (const id of garbage) {
      const { code, fields } = (await ask(procedure, id)).error ?? {}
      expect([id, code, Object.keys(fields ?? {})]).toEqual([id, 'VALIDATION_FAILED', ['id']])
    }
  })

  it.each(['content', 'thumbnail'])('that is unknown or garbage has no %s', async (part) => {
    for (const id of [newId('file'), newId('fileVersion'), '1', '\0', '../../etc/passwd']) {
      const path = `/api/files/${encodeURIComponent(id)}/${part}`
      expect(await coded(() => app.admin.rest('GET', path))).toBe('NOT_FOUND')
    }
  })
})

describe('a thing that exists', () => {
  it('keeps its name to itself', async () => {
    const { code, params } = await refusal(() => app.admin.rest('POST', '/api/printers', { ...CELLAR, name: 'Cellar' }))
    expect([code, params]).toEqual(['NAME_TAKEN', { name: 'Cellar' }])
    const other = await app.admin.trpc.printers.create.mutate({ ...CELLAR, name: 'Attic' })
    const rename = { id: other.id, name: 'Cellar' }
    expect(await coded(() => app.admin.call('mutation', 'printers.update', rename))).toBe('NAME_TAKEN')
    expect(await app.admin.trpc.printers.get.query({ id: other.id })).toMatchObject({ name: 'Attic' })
  })

  it('is not changed by who read an older version of it', async () => {
    const { admin } = app
    const { version } = await admin.trpc.printers.update.mutate({ id: printer.id, model: 'MK4' })
    const ifVersion = version - 1
    const stale: [string, object][] = [
      ['printers.update', { id: printer.id, ifVersion, model: 'Voron' }],
      ['printers.setMaterials', { id: printer.id, ifVersion, materials: [{ material: 'PETG' }] }],
      ['printJobs.update', { id: job.id, ifVersion: job.version - 1, name: 'Other' }],
      ['projects.update', { id: project.id, ifVersion: project.version - 1, name: 'Other' }],
    ]
    for (const [procedure, input] of stale) {
      expect([procedure, await coded(() => admin.call('mutation', procedure, input))]).toEqual([
        procedure,
        'VERSION_CONFLICT',
      ])
    }
    expect(await admin.trpc.printers.get.query({ id: printer.id })).toMatchObject({
      version,
      model: 'MK4',
      materials: [],
    })
    expect(await admin.trpc.projects.get.query({ id: project.id })).toMatchObject({ name: 'Project' })
  })

  it('is not removed while it is needed', async () => {
    expect(await coded(() => app.admin.rest('DELETE', `/api/files/${file.id}`))).toBe('INVALID_STATE')
    expect((await app.admin.trpc.printJobs.get.query({ id: job.id })).state).toBe('queued')
  })
})

describe('an order sent twice', () => {
  const orders: [procedure: string, input: () => object, other: object][] = [
    ['projects.create', () => ({ name: 'Twice' }), { name: 'Thrice' }],
    [
      'projects.addPart',
      () => ({ id: project.id, name: 'More', fileId: file.id, targetQuantity: 1 }),
      { name: 'Less' },
    ],
    ['printers.create', () => ({ ...CELLAR, name: 'Twice' }), { name: 'Thrice' }],
    ['printJobs.submit', () => ({ source: { fileId: file.id, copies: 1 } }), { priority: 5 }],
  ]

  it.each(orders)('is carried out once by %s, and refused with another input', async (procedure, input, other) => {
    const keyed = { ...input(), idempotencyKey: `key-of-${procedure}` }
    const send = (sent: object) => app.admin.call('mutation', procedure, sent)
    const at = (await app.kept())['event'] ?? 0
    const answers = await Promise.all([send(keyed), send(keyed), send(keyed)])
    const ids = answers.map(({ body }) => (body as { result: { data: { json: { id: string } } } }).result.data.json.id)
    expect(new Set(ids).size).toBe(1)
    expect((await app.kept())['event']).toBe(at + 1)
    expect(await coded(() => send({ ...keyed, ...other }))).toBe('IDEMPOTENCY_KEY_REUSED')
  })
})

describe('who may not', () => {
  const guarded = restProceduresOf(appRouter).filter(({ access }) => access !== 'public')
  const isBeyond = (role: UserRole) => (procedure: (typeof guarded)[number]) => {
    const permissions: readonly string[] = ROLE_PERMISSIONS[role]
    return procedure.access !== 'session' && !permissions.includes(procedure.access)
  }

  const everywhere = async (caller: AppUnderTest['admin'], procedures: typeof guarded, expected: ErrorCode) => {
    const before = await app.kept()
    for (const { name, rest } of procedures) {
      const type = rest.method === 'GET' ? 'query' : 'mutation'
      expect([name, (await caller.call(type, name)).error?.code]).toEqual([name, expected])
      const path = `/api${rest.path.replace('{id}', printer.id)}`
      const body = rest.method === 'GET' || rest.method === 'DELETE' ? undefined : {}
      expect([name, (await caller.rest(rest.method, path, body)).error?.code]).toEqual([name, expected])
    }
    expect(await app.kept()).toEqual(before)
  }

  it('has no token, and gets nowhere', async () => {
    await everywhere(app.nobody, guarded, 'UNAUTHENTICATED')
    expect(await coded(() => app.nobody.upload('a.gcode', TINY_GCODE))).toBe('UNAUTHENTICATED')
    expect(await coded(() => app.nobody.rest('GET', `/api/files/${file.id}/content`))).toBe('UNAUTHENTICATED')
  })

  it('is a viewer, who looks and changes nothing', async () => {
    const viewer = await app.logInAs('viewer')
    await everywhere(viewer, guarded.filter(isBeyond('viewer')), 'FORBIDDEN')
    expect(await coded(() => viewer.upload('a.gcode', TINY_GCODE))).toBe('FORBIDDEN')
    expect((await viewer.rest('GET', '/api/print-jobs')).status).toBe(200)
  })

  it('is an operator, who does not change the farm itself', async () => {
    const operator = await app.logInAs('operator')
    await everywhere(operator, guarded.filter(isBeyond('operator')), 'FORBIDDEN')
    const { status } = await operator.rest('POST', '/api/print-jobs', { source: { fileId: file.id, copies: 1 } })
    expect(status).toBe(200)
  })
})
