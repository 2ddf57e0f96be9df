import type { ErrorBody } from '@gantry/schemas'
import { describe, expect, it, vi } from 'vitest'

import { newId } from '../../src/kernel/index.js'
import { startAppUnderTest } from '../../src/testing/app-under-test.js'
import { startBlackHole } from '../../src/testing/odd-servers.js'
import { startReportSink } from '../../src/testing/report-sink.js'

describe('a server that reports errors', () => {
  it('sends what nobody expected, with the id that the caller was told, and nothing of what callers did wrong', async () => {
    await using sink = await startReportSink()
    await using app = await startAppUnderTest({ SENTRY_DSN: sink.dsn, SENTRY_ENVIRONMENT: 'lab' })
    const { admin, nobody } = app
    const codes = [
      (await admin.call('query', 'projects.get', { id: newId('project') })).error?.code,
      (await admin.call('query', 'projects.get', { nonsense: true })).error?.code,
      (await nobody.rest('GET', '/api/projects')).error?.code,
      (await admin.rest('GET', '/api/nowhere')).error?.code,
    ]
    expect(codes).toEqual(['NOT_FOUND', 'VALIDATION_FAILED', 'UNAUTHENTICATED', 'NOT_FOUND'])

    await app.prisma.$executeRawUnsafe('alter table project rename to project_gone')
    const { status, body, error } = await admin.rest('GET', '/api/projects')
    expect(status).toBe(500)
    expect(error).toMatchObject({ code: 'INTERNAL', params: {}, message: 'Something went wrong on the server.' })
    expect(JSON.stringify(body)).not.toMatch(/select|project_gone|prisma|\/src\//i)

    await vi.waitUntil(() => sink.envelopes.length > 0)
    const [event] = sink.events()
    expect(event).toMatchObject({
      environment: 'lab',
      release: expect.stringMatching(/^gantry@\d/) as string,
      message: 'call failed',
      transaction: 'projects.list',
      tags: { requestId: (error as ErrorBody).requestId, procedure: 'projects.list', code: 'INTERNAL' },
      user: { id: expect.stringMatching(/^usr_/) as string, role: 'admin', ip_address: expect.any(String) as string },
      request: { url: '/api/projects', method: 'GET' },
    })
    expect(event?.exception?.values?.at(-1)?.value).toContain('does not exist')

    for (let n = 0; n < 20; n += 1) await admin.rest('GET', '/api/projects')
    await app.stop()
    expect(sink.events().filter(({ transaction }) => transaction === 'projects.list')).toHaveLength(1)
  })

  it('answers all the same when the receiver never says a word', async () => {
    await using hole = await startBlackHole()
    const dsn = `http://thekey@${new URL(hole.url).host}/7`
    await using app = await startAppUnderTest({ SENTRY_DSN: dsn })
    await app.prisma.$executeRawUnsafe('alter table project rename to project_gone')
    const answers = await Promise.all(Array.from({ length: 50 }, () => app.admin.rest('GET', '/api/projects')))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([500]))
    expect((await app.nobody.rest('GET', '/healthz')).status).toBe(200)
  })
})
