import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'

import { createGantryClient, GantryApiError, isGantryApiError, memoryTokenStore } from '@gantry/client'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import { failureOf, startSdkBench, type SdkBench } from './sdk-bench.js'

const MISSING = 'prn_01990000-0000-7000-8000-000000000000'

let bench: SdkBench
beforeAll(async () => {
  bench = await startSdkBench()
})
afterAll(() => bench[Symbol.asyncDispose]())
beforeEach(() => {
  bench.proxy.seen.length = 0
  bench.proxy.fault = () => 'pass'
})

describe('calls', () => {
  it('that query at the same moment travel as one GET', async () => {
    const gantry = await bench.loggedIn()
    const [printers, jobs, me] = await Promise.all([
      gantry.printers.list(),
      gantry.printJobs.list({ limit: 5 }),
      gantry.auth.me(),
    ])
    expect([printers.items, jobs.items, me.email]).toEqual([[], [], 'admin@example.org'])
    const batch = { method: 'GET', path: '/trpc/printers.list,printJobs.list,auth.me' }
    expect(bench.proxy.seen).toEqual([expect.objectContaining(batch)])
  })

  it('that query in great number travel in batches that the server takes', async () => {
    const gantry = await bench.loggedIn()
    await Promise.all(Array.from({ length: 45 }, () => gantry.system.info()))
    expect(bench.proxy.seen.map(({ path }) => path.split(',').length)).toEqual([20, 20, 5])
    bench.proxy.seen.length = 0
    const cursor = 'x'.repeat(500)
    await Promise.allSettled(Array.from({ length: 19 }, () => gantry.printers.list({ cursor })))
    expect(bench.proxy.seen.length).toBeGreaterThan(1)
  })

  it('that change something travel alone, by POST', async () => {
    const gantry = await bench.loggedIn()
    await Promise.all([gantry.projects.create({ name: 'one' }), gantry.projects.create({ name: 'two' })])
    expect(bench.proxy.seen.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'POST /trpc/projects.create',
      'POST /trpc/projects.create',
    ])
  })

  it('carry dates both ways, forget undefined members and allow one object in two places', async () => {
    const gantry = await bench.loggedIn()
    const dueAt = new Date('2030-01-02T03:04:05.678Z')
    const project = await gantry.projects.create({ name: 'dated', dueAt })
    expect([project.dueAt, project.createdAt instanceof Date]).toEqual([dueAt, true])
    const black = { material: 'PLA', colorHex: '#000000' }
    const materials = [black, black]
    const input = { id: MISSING, materials, ifVersion: undefined }
    expect((await failureOf(gantry.printers.setMaterials(input))).code).not.toBe('INTERNAL')
    expect(bench.proxy.seen.at(-1)?.body).not.toMatch(/undefined|referential/)
  })
})

describe('a call that fails', () => {
  it('because of its input names the fields', async () => {
    const gantry = await bench.loggedIn()
    const error = await failureOf(gantry.projects.create({ name: '' }))
    expect(error).toMatchObject({ code: 'VALIDATION_FAILED', status: 400, retryable: false })
    expect(Object.keys(error.fields ?? {})).toEqual(['name'])
    expect(error.requestId).toMatch(/\S/)
    expect(error.cause).toBeUndefined()
  })

  it('for any other reason of the server tells which', async () => {
    const gantry = await bench.loggedIn()
    expect(await failureOf(gantry.printers.get({ id: MISSING }))).toMatchObject({
      ...{ code: 'NOT_FOUND', status: 404, params: { resource: 'printer', id: MISSING } },
      message: 'There is no such printer.',
    })
    const nobody = bench.client()
    expect(await failureOf(nobody.printers.list())).toMatchObject({ code: 'UNAUTHENTICATED', status: 401 })
    const wrong = await failureOf(nobody.auth.login('admin@example.org', 'wrong'))
    expect(isGantryApiError(wrong, 'INVALID_CREDENTIALS')).toBe(true)
  })

  it('among others in a batch leaves the others alone', async () => {
    const gantry = await bench.loggedIn()
    const [found, missing] = await Promise.allSettled([gantry.auth.me(), gantry.printers.get({ id: MISSING })])
    expect(found.status).toBe('fulfilled')
    expect(missing.status === 'rejected' && isGantryApiError(missing.reason, 'NOT_FOUND')).toBe(true)
    expect(bench.proxy.seen).toHaveLength(1)
  })

  it('because nobody listens is NETWORK', async () => {
    const closed = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => closed.once('listening', resolve))
    const { port } = closed.address() as AddressInfo
    await new Promise((resolve) => closed.close(resolve))
    const gantry = createGantryClient({ url: `http://127.0.0.1:${port}`, retry: { delayMs: 1 } })
    expect(await failureOf(gantry.printers.list())).toMatchObject({ code: 'NETWORK', status: null, retryable: true })
    expect(await failureOf(gantry.files.upload(new Blob(['G28']), { name: 'a.gcode' }))).toMatchObject({
      code: 'NETWORK',
    })
    expect(await failureOf(gantry.files.download('x'))).toMatchObject({ code: 'NETWORK' })
  })

  it('because a proxy answers instead is BAD_RESPONSE', async () => {
    const gantry = await bench.loggedIn()
    bench.proxy.fault = () => ({ status: 502, contentType: 'text/html', text: '<h1>Bad gateway</h1>' })
    expect(await failureOf(gantry.printers.list())).toMatchObject({
      code: 'BAD_RESPONSE',
      status: 502,
      retryable: true,
    })
    expect(bench.proxy.seen).toHaveLength(3)
    bench.proxy.fault = () => ({ status: 200, contentType: 'text/html', text: '<h1>Log in to the hotel</h1>' })
    const upload = gantry.files.upload(new Blob(['G28']), { name: 'a.gcode' })
    const failures = [gantry.printers.list(), gantry.files.download(MISSING), upload].map(failureOf)
    for (const error of await Promise.all(failures)) {
      expect(error).toMatchObject({ code: 'BAD_RESPONSE', status: 200, retryable: false })
    }
  })

  it('because no answer comes in time is TIMEOUT, and is not tried again', async () => {
    const tokenStore = memoryTokenStore()
    await bench.loggedIn({ tokenStore })
    const gantry = bench.client({ tokenStore, timeoutMs: 100 })
    bench.proxy.fault = () => 'hold'
    expect(await failureOf(gantry.printers.list())).toMatchObject({ code: 'TIMEOUT', retryable: true })
    expect(bench.proxy.seen).toHaveLength(1)
  })

  it('because its caller gave up is ABORTED at once, and spares the rest of its batch', async () => {
    const gantry = await bench.loggedIn()
    bench.proxy.fault = () => 'hold'
    const leave = new AbortController()
    const given = failureOf(gantry.printers.list({}, { signal: leave.signal }))
    await expect.poll(() => bench.proxy.seen.length).toBe(1)
    leave.abort()
    expect(await given).toMatchObject({ code: 'ABORTED', retryable: false })
    expect(await failureOf(gantry.printers.list({}, { signal: AbortSignal.abort() }))).toMatchObject({
      code: 'ABORTED',
    })

    bench.proxy.fault = () => 'pass'
    const other = new AbortController()
    const [kept, left] = [gantry.auth.me(), failureOf(gantry.system.info({ signal: other.signal }))]
    other.abort()
    expect([(await kept).email, (await left).code]).toEqual(['admin@example.org', 'ABORTED'])
  })

  it('because of a circle in its input is told before anything is sent', async () => {
    const gantry = await bench.loggedIn()
    const circle: Record<string, unknown> = { name: 'x' }
    circle['self'] = circle
    const error = await failureOf(gantry.projects.create(circle as never))
    expect([error.code, error instanceof GantryApiError]).toEqual(['VALIDATION_FAILED', true])
    expect(bench.proxy.seen).toHaveLength(0)
  })
})

describe('a call whose answer gets lost', () => {
  it('is made again with the same key when it creates something, and creates it once', async () => {
    const gantry = await bench.loggedIn()
    let losses = 0
    bench.proxy.fault = () => ((losses += 1) <= 2 ? 'lose' : 'pass')
    const created = await gantry.projects.create({ name: 'only once' })
    const keys = bench.proxy.seen.map(
      ({ body }) => (JSON.parse(body) as { json: { idempotencyKey: string } }).json.idempotencyKey,
    )
    expect(keys).toHaveLength(3)
    expect(new Set(keys).size).toBe(1)
    bench.proxy.fault = () => 'pass'
    const { items } = await gantry.projects.list({ limit: 200 })
    expect(items.filter(({ name }) => name === 'only once').map(({ id }) => id)).toEqual([created.id])
  })

  it('is made again when it only asks', async () => {
    const gantry = await bench.loggedIn()
    let losses = 0
    bench.proxy.fault = () => ((losses += 1) === 1 ? 'lose' : 'pass')
    expect((await gantry.auth.me()).email).toBe('admin@example.org')
    expect(bench.proxy.seen).toHaveLength(2)
  })

  it('is not made again when that could do harm', async () => {
    const gantry = await bench.loggedIn()
    const { id } = await gantry.projects.create({ name: 'changed' })
    bench.proxy.seen.length = 0
    bench.proxy.fault = () => 'lose'
    expect(await failureOf(gantry.projects.update({ id, name: 'changed twice' }))).toMatchObject({ code: 'NETWORK' })
    expect(bench.proxy.seen).toHaveLength(1)
  })

  it('waits as long as the server asks', async () => {
    const gantry = await bench.loggedIn()
    const body = (retryAfterSeconds: number) => ({
      ...{
        code: 'RATE_LIMITED',
        message: 'Too many requests; slow down.',
        params: {},
        requestId: 'r',
        retryable: true,
      },
      ...{ fields: null, retryAfterSeconds },
    })
    const refusal = (seconds: number) => ({
      ...{ status: 429, contentType: 'application/json' },
      text: JSON.stringify({ error: { json: { code: -32029, message: 'slow down', data: body(seconds) } } }),
    })
    let refusals = 0
    bench.proxy.fault = () => ((refusals += 1) === 1 ? refusal(0.4) : 'pass')
    const began = performance.now()
    await gantry.auth.me()
    expect(performance.now() - began).toBeGreaterThan(390)
    bench.proxy.fault = () => refusal(60)
    expect(await failureOf(gantry.auth.me())).toMatchObject({
      code: 'RATE_LIMITED',
      retryAfterSeconds: 60,
      status: 429,
    })
  })
})
