import { TRPCError } from '@trpc/server'
import { describe, expect, it } from 'vitest'

import { SYSTEM_ACTOR } from '../kernel/actor.js'
import { GantryError } from '../kernel/errors.js'
import { inRole } from '../kernel/permissions.js'
import { createLogger } from '../observability/logger.js'
import { probeRouter } from '../testing/http-test-server.js'
import type { Context, ProcedureOutcome } from './context.js'
import { LiveStreams } from './live-streams.js'
import type { Services } from './services.js'
import { unlessAborted } from './unless-aborted.js'

const setUp = (overrides: Partial<Context> = {}, controller = new AbortController()) => {
  const outcomes: ProcedureOutcome[] = []
  const context: Context = {
    requestId: 'r1',
    signal: () => controller.signal,
    unlessAborted: (promise) => unlessAborted(promise, controller.signal),
    log: createLogger({ level: 'silent' }),
    actor: SYSTEM_ACTOR,
    client: { ip: null, userAgent: null },
    // The probe's procedures call no service.
    services: {} as Services,
    answers: null,
    liveStreams: new LiveStreams({ authenticator: { stillValid: () => Promise.resolve(true) } }),
    cookies: null,
    procedureFinished: (outcome) => void outcomes.push(outcome),
    ...overrides,
  }
  return { caller: probeRouter.createCaller(context), outcomes }
}

const failure = async (call: Promise<unknown>): Promise<TRPCError> => {
  const error: unknown = await call.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof TRPCError)) throw new Error('the call did not fail')
  return error
}

describe('a procedure called by code', () => {
  it('keeps the code of an error and its parameters', async () => {
    const { caller } = setUp()
    const error = await failure(caller.things.get({ id: 'missing' }))
    expect(error.code).toBe('NOT_FOUND')
    expect(error.cause).toBeInstanceOf(GantryError)
    expect(error.cause).toMatchObject({ code: 'NOT_FOUND', params: { id: 'missing' } })
  })

  it('masks what nobody expected, and keeps it as the cause for the log', async () => {
    const { caller } = setUp()
    const error = await failure(caller.things.get({ id: 'broken' }))
    expect(error.message).toBe('Something went wrong on the server.')
    expect(error.cause).toMatchObject({ code: 'INTERNAL', message: 'secret detail: password hunter2' })
  })

  it('reports its name, outcome and duration', async () => {
    const { caller, outcomes } = setUp()
    await caller.ping()
    await failure(caller.things.get({ id: 'missing' }))
    expect(outcomes).toMatchObject([
      { procedure: 'ping', type: 'query', code: 'OK' },
      { procedure: 'things.get', type: 'query', code: 'NOT_FOUND' },
    ])
  })

  it('needs the permission of its base', async () => {
    const viewer = setUp({ actor: { ...SYSTEM_ACTOR, ...inRole('viewer') } }).caller
    expect((await failure(viewer.things.create({ name: 'xx' }))).cause).toMatchObject({
      code: 'FORBIDDEN',
      params: { needs: 'printers.control', has: 'viewer' },
    })
    expect((await failure(setUp({ actor: null }).caller.secrets())).cause).toMatchObject({ code: 'UNAUTHENTICATED' })
  })

  it('is given up when its signal aborts', async () => {
    const controller = new AbortController()
    const { caller } = setUp({}, controller)
    const failed = failure(caller.hang())
    controller.abort(new GantryError('DEADLINE_EXCEEDED'))
    expect((await failed).code).toBe('GATEWAY_TIMEOUT')
  })

  it('shows what went in and out when the log is as loud as that: the beginning, without secrets', async () => {
    const written = async (level: 'debug' | 'info') => {
      const lines: string[] = []
      const log = createLogger({ level, destination: { write: (line) => void lines.push(line) } })
      const { caller } = setUp({ log })
      await caller.things.create({ name: `mail to http://octo:hunter2@host/ ${'x'.repeat(9_000)}` })
      await failure(caller.things.get({ id: 'missing' }))
      return lines.map((line) => JSON.parse(line) as Record<string, string>)
    }
    expect(await written('info')).toEqual([])
    const [created, refused] = (await written('debug')).filter(({ msg }) => msg === 'what went in and out')
    expect(created).toMatchObject({ procedure: 'things.create', level: 'debug' })
    for (const shown of [created?.['input'] ?? '', created?.['output'] ?? '']) {
      expect(shown).toMatch(/^\{"name":"mail to http:\/\/\[redacted\]@host\/ x+… \(\d+ characters\)$/)
      expect(shown.length).toBeLessThan(2_100)
    }
    expect(refused).toMatchObject({ procedure: 'things.get', input: '{"id":"missing"}' })
    expect(refused).not.toHaveProperty('output')
  })
})
