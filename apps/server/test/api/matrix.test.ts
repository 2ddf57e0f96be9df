import { ALL_PROJECTS_PERMISSIONS, FARM_WIDE_PERMISSIONS, ROLE_PERMISSIONS, type Permission } from '@gantry/schemas'
import type { AnyProcedure } from '@trpc/server'
import superjson from 'superjson'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'

import { proceduresOf } from '../../src/http/trpc-procedures.js'
import { newId } from '../../src/kernel/index.js'
import { appRouter } from '../../src/routers/app-router.js'
import { callerOf, PASSWORD, type Caller } from '../../src/testing/app-under-test.js'
import type { ProcedureMeta } from '../../src/trpc/init.js'
import { FOREIGN, UNKNOWN, type Ids } from './foreign-inputs.js'
import { MATRIX } from './matrix-table.js'
import { TwoShops, type Shop } from './two-shops.js'

interface Internals {
  type: 'query' | 'mutation' | 'subscription'
  meta?: ProcedureMeta
  inputs: readonly z.ZodType[]
}

const procedures = [...proceduresOf(appRouter)].map(([name, procedure]: [string, AnyProcedure]) => {
  const { type, meta, inputs } = procedure._def as unknown as Internals
  return { name, type, access: meta?.access, input: inputs[0] ?? null }
})
type Procedure = (typeof procedures)[number]

let shops: TwoShops
beforeAll(async () => {
  shops = await TwoShops.open()
})
afterAll(() => shops[Symbol.asyncDispose]())

/** The answer to one call, whatever its kind; of a stream the beginning, until it says something. */
const ask = async ({ headers }: Caller, { name, type }: Procedure, input: unknown = {}) => {
  const sent = JSON.stringify(superjson.serialize(input))
  const end = new AbortController()
  const isMutation = type === 'mutation'
  const query = isMutation ? '' : `?input=${encodeURIComponent(sent)}`
  const response = await fetch(`${shops.app.url}/trpc/${name}${query}`, {
    method: isMutation ? 'POST' : 'GET',
    headers: { ...headers, ...(isMutation ? { 'Content-Type': 'application/json' } : {}) },
    ...(isMutation ? { body: sent } : {}),
    signal: end.signal,
  })
  let text = ''
  const decoder = new TextDecoder()
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    text += decoder.decode(chunk, { stream: true })
    if (type === 'subscription' && /^(event: serialized-error|data: \{"json)/m.test(text)) break
  }
  end.abort()
  return { status: response.status, text }
}

const codeOf = (text: string): string => /"code":"([A-Z_]+)"/.exec(text)?.[1] ?? 'OK'

const REFUSALS = ['UNAUTHENTICATED', 'SESSION_ENDED', 'FORBIDDEN']

type Rule = (needs: Permission | 'public' | 'session') => string

const having =
  (permissions: readonly Permission[], sessions = true): Rule =>
  (needs) => {
    if (needs === 'public') return 'let in'
    const isAllowed = needs === 'session' ? sessions : permissions.includes(needs)
    return isAllowed ? 'let in' : 'FORBIDDEN'
  }

const BEYOND_A_SCOPE: readonly Permission[] = [...FARM_WIDE_PERMISSIONS, ...ALL_PROJECTS_PERMISSIONS]

const keyOf = async ({ trpc }: Caller) => {
  const key = await trpc.apiKeys.create.mutate({ password: PASSWORD, name: 'key', scopes: ['system.info'] })
  return { id: key.id, caller: callerOf(shops.app.url, { Authorization: `Bearer ${key.key}` }) }
}

const callers: readonly [name: string, caller: () => Promise<Caller>, rule: Rule][] = [
  ['nobody', () => Promise.resolve(shops.app.nobody), (needs) => (needs === 'public' ? 'let in' : 'UNAUTHENTICATED')],
  ['a viewer', () => shops.app.logInAs('viewer'), having(ROLE_PERMISSIONS.viewer)],
  ['an operator', () => shops.app.logInAs('operator'), having(ROLE_PERMISSIONS.operator)],
  ['an admin', () => shops.app.logInAs('admin'), having(ROLE_PERMISSIONS.admin)],
  [
    'an operator who sees one shop',
    () => shops.scoped('operator'),
    having(ROLE_PERMISSIONS.operator.filter((each) => !BEYOND_A_SCOPE.includes(each))),
  ],
  [
    "an admin's key without the scope",
    async () => (await keyOf(await shops.app.logInAs('admin'))).caller,
    having(['system.info'], false),
  ],
  [
    'a key that has expired',
    async () => {
      const { id, caller } = await keyOf(await shops.app.logInAs('admin'))
      await shops.app.prisma.apiKey.update({ where: { id }, data: { expiresAt: new Date(0) } })
      return caller
    },
    () => 'UNAUTHENTICATED',
  ],
  [
    'a user who is disabled',
    async () => {
      const caller = await shops.app.logInAs('admin')
      const newest = { orderBy: { createdAt: 'desc' } } as const
      const { userId } = await shops.app.prisma.session.findFirstOrThrow({ ...newest, select: { userId: true } })
      await shops.app.prisma.user.update({ where: { id: userId }, data: { disabledAt: new Date() } })
      return caller
    },
    () => 'SESSION_ENDED',
  ],
]

/** Whoever logs out is nobody from then on. */
const inOrder = procedures.toSorted((a, b) => Number(a.name === 'auth.logout') - Number(b.name === 'auth.logout'))

describe('every procedure', () => {
  it('stands in the matrix with who may call it, and nothing else does', () => {
    expect(Object.fromEntries(procedures.map(({ name, access }) => [name, access]))).toEqual(MATRIX)
  })

  it.each(callers)(
    'answers %s as the matrix says',
    async (_who, open, rule) => {
      const caller = await open()
      const seen: Record<string, string> = {}
      for (const procedure of inOrder) {
        const code = codeOf((await ask(caller, procedure)).text)
        seen[procedure.name] = REFUSALS.includes(code) ? code : 'let in'
      }
      expect(seen).toEqual(Object.fromEntries(inOrder.map(({ name }) => [name, rule(MATRIX[name] ?? 'public')])))
    },
    120_000,
  )
})

describe('what is no procedure', () => {
  const routes: readonly [method: string, path: () => string, needs: Permission][] = [
    ['POST', () => '/api/files?name=empty.gcode', 'files.write'],
    ['GET', () => `/api/files/${shops.mine.fileId}/content`, 'files.read'],
    ['GET', () => `/api/files/${shops.mine.fileId}/thumbnail`, 'files.read'],
    ['GET', () => '/metrics', 'system.read'],
    ['GET', () => '/api/metrics', 'system.read'],
    ['GET', () => '/health/detailed', 'system.read'],
  ]

  it.each(callers)('answers %s by the same permissions', async (_who, open, rule) => {
    const { headers } = await open()
    for (const [method, path, needs] of routes) {
      const body = method === 'POST' ? { body: 'no g-code' } : {}
      const typed = { ...headers, 'Content-Type': 'application/octet-stream' }
      const code = codeOf(await (await fetch(shops.app.url + path(), { method, headers: typed, ...body })).text())
      expect([path(), REFUSALS.includes(code) ? code : 'let in']).toEqual([path(), rule(needs)])
    }
  })
})

/** Ids have a form that no other text has. */
const takesIds = ({ input }: Procedure): boolean =>
  input !== null &&
  JSON.stringify(z.toJSONSchema(input, { unrepresentable: 'any', io: 'input' })).includes('-7[0-9a-f]')

const isBeyondScope = ({ name }: Procedure) => (BEYOND_A_SCOPE as readonly string[]).includes(MATRIX[name] ?? '')

/** Without what differs between any two answers, and with the names of the ids in their place. */
const told = ({ status, text }: { status: number; text: string }, ids: Ids): string => {
  const names = Object.entries<string>({ ...ids }).map(([name, id]) => [id, `<${name}>`] as const)
  const named = names.reduce((rest, [id, name]) => rest.replaceAll(id, name), text)
  return `${status} ${named.replaceAll(/"requestId":"[^"]*"/g, '')}`
}

const nobodys = (): Ids => ({
  ...{ groupId: newId('printerGroup'), locationId: newId('location'), printerId: newId('printer') },
  ...{ projectId: newId('project'), partId: newId('projectPart'), fileId: newId('file'), fileName: 'none.gcode' },
  ...{ fileVersionId: newId('fileVersion'), jobId: newId('printJob'), attemptId: newId('attempt') },
  ...{ alarmId: newId('alarm'), exportId: newId('export'), apiKeyId: newId('apiKey') },
  ...{ sessionId: newId('session'), identityId: newId('identity') },
})

describe('an id of others', () => {
  const asked = procedures.filter((procedure) => takesIds(procedure) && !isBeyondScope(procedure))
  let caller: Caller
  let theirs: Ids
  let mine: Shop

  beforeAll(async () => {
    const { app } = shops
    caller = await shops.scoped('admin')
    const stranger = await app.logInAs('operator')
    const { id: exportId } = await stranger.trpc.exports.create.mutate({ kind: 'jobs' })
    const [session] = (await stranger.trpc.sessions.list.query({})).items
    const { id: userId } = await stranger.trpc.auth.me.query()
    const identityId = newId('identity')
    await app.prisma.userIdentity.create({
      data: { id: identityId, userId, issuer: 'https://sso.example.org', subject: identityId },
    })
    theirs = {
      ...{ ...shops.theirs, exportId, apiKeyId: (await keyOf(stranger)).id },
      ...{ sessionId: session?.id ?? '', identityId },
    }
    mine = shops.mine
  })

  it('can be asked of every procedure that takes one', () => {
    expect(asked.map(({ name }) => name).toSorted()).toEqual(Object.keys(FOREIGN).toSorted())
  })

  it.each(asked.map((procedure) => [procedure.name, procedure] as const))(
    'is answered by %s as one that nothing has',
    async (name, procedure) => {
      const nothing = nobodys()
      const [foreign, unknown] = [theirs, nothing].map((ids) => ({ ids, inputs: FOREIGN[name]?.(ids, mine) ?? [] }))
      for (const [n, { input, finds }] of (foreign?.inputs ?? []).entries()) {
        const answer = await ask(caller, procedure, input)
        const other = await ask(caller, procedure, unknown?.inputs[n]?.input)
        expect(codeOf(answer.text)).toBe(finds === 'nothing' ? 'OK' : 'NOT_FOUND')
        expect(told(answer, theirs)).toBe(told(other, nothing))
        if (finds === 'nothing') expect(answer.text).toContain('"items":[]')
      }
    },
  )

  it.each(['content', 'thumbnail'])('of a file has no %s', async (part) => {
    const nothing = nobodys()
    for (const id of ['fileId', 'fileVersionId'] as const) {
      const [foreign, unknown] = await Promise.all(
        [theirs, nothing].map((ids) => caller.rest('GET', `/api/files/${ids[id]}/${part}`)),
      )
      expect([foreign?.status, foreign?.error?.code]).toEqual([404, 'NOT_FOUND'])
      const text = (answer: typeof foreign, ids: Ids) => told({ status: 404, text: JSON.stringify(answer?.body) }, ids)
      expect(text(foreign, theirs)).toBe(text(unknown, nothing))
    }
  })

  it('is not told apart by what is left behind', async () => {
    const job = await shops.app.admin.trpc.printJobs.get.query({ id: theirs.jobId })
    expect(job).toMatchObject({ state: 'queued', priority: 0 })
    expect(await shops.app.admin.trpc.projects.get.query({ id: theirs.projectId })).toMatchObject({
      name: 'theirs project',
    })
    expect((await shops.app.admin.trpc.files.get.query({ id: theirs.fileId })).name).toBe('theirs.gcode')
    const printer = await shops.app.admin.trpc.printers.get.query({ id: theirs.printerId })
    expect(printer.name).toBe('theirs printer')
  })
})

describe('an id of the whole farm', () => {
  const asked = procedures.filter((procedure) => takesIds(procedure) && isBeyondScope(procedure))

  it('can be asked of every procedure that takes one', () => {
    expect(asked.map(({ name }) => name).toSorted()).toEqual(Object.keys(UNKNOWN).toSorted())
  })

  it.each(asked.map((procedure) => [procedure.name, procedure] as const))(
    'that nothing has is NOT_FOUND to an admin by %s',
    async (name, procedure) => {
      const { input, finds } = UNKNOWN[name] ?? {}
      const { status, text } = await ask(shops.app.admin, procedure, input)
      expect([status, codeOf(text)]).toEqual(finds === 'nothing' ? [200, 'OK'] : [404, 'NOT_FOUND'])
      if (finds === 'nothing') expect(text).toContain('"items":[]')
    },
  )
})
