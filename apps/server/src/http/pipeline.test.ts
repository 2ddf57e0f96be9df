import { request } from 'node:http'
import { connect } from 'node:net'

import type { ErrorBody } from '@gantry/schemas'
import { afterEach, describe, expect, it } from 'vitest'

import { startProbeServer, type ProbeServer } from '../testing/http-test-server.js'

const open: ProbeServer[] = []
const start = async (...args: Parameters<typeof startProbeServer>) => {
  const server = await startProbeServer(...args)
  open.push(server)
  return server
}
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.stop()))
})

const failure = async (response: Response) => ((await response.json()) as { error: ErrorBody }).error
const rawExchange = (url: string, text: string) =>
  new Promise<string>((resolve, reject) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.write(text))
    let answer = ''
    socket.setEncoding('utf8').on('data', (part: string) => (answer += part))
    socket.on('close', () => resolve(answer))
    socket.on('error', reject)
  })

describe('the request id', () => {
  it('is taken from the caller when it is harmless, else made, and always returned', async () => {
    const { url, lines } = await start()
    const given = await fetch(`${url}/api/ping`, { headers: { 'X-Request-Id': 'order-17' } })
    expect(given.headers.get('x-request-id')).toBe('order-17')
    const odd = await fetch(`${url}/api/ping`, { headers: { 'X-Request-Id': 'a b'.repeat(50) } })
    expect(odd.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
    expect((await fetch(`${url}/nowhere`)).headers.get('x-request-id')).not.toBeNull()
    expect(lines[0]).toMatchObject({ requestId: 'order-17' })
  })
})

describe('limits', () => {
  it('refuse a URL over 16 kB, and headers over 32 kB', async () => {
    const { url } = await start()
    const long = await fetch(`${url}/api/ping?x=${'y'.repeat(17_000)}`)
    expect([long.status, (await failure(long)).code]).toEqual([413, 'REQUEST_TOO_LARGE'])
    const answer = await rawExchange(url, `GET / HTTP/1.1\r\nHost: x\r\nX-Big: ${'y'.repeat(40_000)}\r\n\r\n`)
    expect(answer).toMatch(/^HTTP\/1\.1 431 .*"code":"REQUEST_TOO_LARGE"/s)
  })

  it('refuse a JSON body over 1 MB, whether its length is told or not', async () => {
    const { url } = await start()
    const headers = { Authorization: 'Bearer admin', 'Content-Type': 'application/json' }
    const told = await fetch(`${url}/api/things`, {
      method: 'POST',
      headers,
      body: JSON.stringify('x'.repeat(1_100_000)),
    })
    expect([told.status, (await failure(told)).code]).toEqual([413, 'REQUEST_TOO_LARGE'])
    const status = await new Promise((resolve, reject) => {
      const req = request(`${url}/trpc/things.create`, { method: 'POST', headers }, (res) => resolve(res.statusCode))
      req.on('error', reject)
      for (let n = 0; n < 20; n += 1) req.write(Buffer.alloc(100_000, ' '))
    })
    expect(status).toBe(413)
  })

  it('refuse a batch of more than 20 calls', async () => {
    const { url } = await start()
    const names = Array.from({ length: 21 }, () => 'ping').join(',')
    const response = await fetch(`${url}/trpc/${names}?batch=1`)
    expect(response.status).toBe(400)
    expect(await response.text()).toContain('VALIDATION_FAILED')
  })

  it('give up on a body that does not come', async () => {
    const { url } = await start({ timeouts: { bodyMs: 50 } })
    const answer = await rawExchange(
      url,
      'POST /api/things HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer admin\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{',
    )
    expect(answer).toMatch(/^HTTP\/1\.1 504 .*"code":"DEADLINE_EXCEEDED"/s)
  })

  it('give up on headers that do not come', async () => {
    const { url } = await start({ timeouts: { headersMs: 60 } })
    expect(await rawExchange(url, 'GET / HTTP/1.1\r\nHost:')).toMatch(/^HTTP\/1\.1 408 .*DEADLINE_EXCEEDED/s)
  })

  it('answer what is no HTTP with 400', async () => {
    const { url } = await start()
    expect(await rawExchange(url, 'hello\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 .*VALIDATION_FAILED/s)
  })
})

describe('the deadline', () => {
  it.each(['/api/hang', '/trpc/hang'])('answers %s although the work does not end', async (path) => {
    const { url, lines } = await start({ timeouts: { requestMs: 50 } })
    const response = await fetch(url + path)
    expect(response.status).toBe(504)
    expect(await response.text()).toContain('DEADLINE_EXCEEDED')
    await expect.poll(() => lines.some((line) => line['msg'] === 'request')).toBe(true)
  })

  it('also holds while the actor is looked up', async () => {
    const { url } = await start({
      timeouts: { requestMs: 50 },
      authenticator: { authenticate: () => new Promise(() => undefined), stillValid: () => Promise.resolve(true) },
    })
    expect((await failure(await fetch(`${url}/api/ping`))).code).toBe('DEADLINE_EXCEEDED')
  })
})

describe('the actor', () => {
  it('is refused when the credentials are wrong, even where nobody need log in', async () => {
    const { url } = await start()
    const response = await fetch(`${url}/api/ping`, { headers: { Authorization: 'Bearer nobody' } })
    expect([response.status, response.headers.get('www-authenticate')]).toEqual([401, 'Bearer'])
    expect((await failure(response)).code).toBe('UNAUTHENTICATED')
  })

  it('that cannot be found out is 503, never anonymous', async () => {
    const { url, authenticator } = await start()
    authenticator.failing = true
    const response = await fetch(`${url}/api/ping`)
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1'])
    expect((await failure(response)).code).toBe('UNAVAILABLE')
  })
})

describe('the rate limit', () => {
  it('counts per actor, tells its state and says when to come back', async () => {
    const { url } = await start({ ratePerMinute: 2 })
    const as = (role: string) => fetch(`${url}/api/ping`, { headers: { Authorization: `Bearer ${role}` } })
    expect((await as('viewer')).headers.get('ratelimit-remaining')).toBe('1')
    await as('viewer')
    const refused = await as('viewer')
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '60'])
    expect(await failure(refused)).toMatchObject({ code: 'RATE_LIMITED', retryable: true, retryAfterSeconds: 60 })
    expect((await as('operator')).status).toBe(200)
  })

  it('counts every member of a batch', async () => {
    const { url } = await start({ ratePerMinute: 5 })
    expect((await fetch(`${url}/trpc/ping,ping,ping?batch=1`)).headers.get('ratelimit-remaining')).toBe('2')
    expect((await fetch(`${url}/trpc/ping,ping,ping?batch=1`)).status).toBe(429)
  })

  it('counts wrong credentials for the address', async () => {
    const { url } = await start({ ratePerMinute: 2 })
    const guess = () => fetch(`${url}/api/ping`, { headers: { Authorization: 'Bearer guess' } })
    expect([(await guess()).status, (await guess()).status, (await guess()).status]).toEqual([401, 401, 429])
  })

  it('does not count probes', async () => {
    const { url } = await start({ ratePerMinute: 1 })
    for (let n = 0; n < 5; n += 1) expect((await fetch(`${url}/healthz`)).status).toBe(200)
  })
})

describe('media types', () => {
  it.each([
    'multipart/form-data; boundary=x',
    'application/octet-stream',
    'text/plain',
    'application/x-www-form-urlencoded',
  ])('refuse %s on every procedure', async (type) => {
    const { url } = await start()
    const headers = { Authorization: 'Bearer admin', 'Content-Type': type }
    for (const path of ['/trpc/things.create', '/trpc/ping', '/api/things']) {
      const response = await fetch(url + path, { method: 'POST', headers, body: '{}' })
      expect([response.status, await response.text()]).toEqual([415, expect.stringContaining('UNSUPPORTED_MEDIA_TYPE')])
    }
  })
})

describe('CORS', () => {
  it('lets listed origins read answers and ask beforehand, and no others', async () => {
    const { url } = await start({ http: { corsOrigins: ['https://farm.example'] } })
    const ask = (origin: string) =>
      fetch(`${url}/trpc/things.create`, {
        method: 'OPTIONS',
        headers: { Origin: origin, 'Access-Control-Request-Method': 'POST' },
      })
    const allowed = await ask('https://farm.example')
    expect(allowed.status).toBe(204)
    expect(allowed.headers.get('access-control-allow-origin')).toBe('https://farm.example')
    expect(allowed.headers.get('access-control-allow-headers')).toContain('Authorization')
    expect((await ask('https://evil.example')).headers.get('access-control-allow-origin')).toBeNull()
    const answer = await fetch(`${url}/trpc/ping`, { headers: { Origin: 'https://farm.example' } })
    expect(answer.headers.get('access-control-allow-origin')).toBe('https://farm.example')
    expect(answer.headers.get('vary')?.toLowerCase()).toContain('origin')
  })
})

describe('routes', () => {
  it('that do not exist are 404, and wrong methods 405 with those that are right', async () => {
    const { url } = await start()
    expect((await failure(await fetch(`${url}/api/nothing`))).code).toBe('NOT_FOUND')
    const response = await fetch(`${url}/api/ping`, { method: 'DELETE' })
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET'])
  })

  it('answer HEAD without a body', async () => {
    const { url } = await start()
    const response = await fetch(`${url}/api/ping`, { method: 'HEAD' })
    expect([response.status, await response.text()]).toEqual([200, ''])
  })
})

describe('the log', () => {
  it('has one line per request with procedures, actor and error, and no query', async () => {
    const { url, lines } = await start()
    await fetch(`${url}/trpc/ping,things.get,made.up?batch=1&token=hunter2`, {
      headers: { Authorization: 'Bearer viewer' },
    })
    const requests = () => lines.filter((line) => line['msg'] === 'request')
    await expect.poll(requests).toHaveLength(1)
    expect(requests()[0]).toMatchObject({
      method: 'GET',
      url: '/trpc/ping,things.get,made.up',
      status: 207,
      procedures: ['ping', 'things.get', 'unknown'],
      userId: 'usr_viewer',
      userRole: 'viewer',
      errorCodes: expect.arrayContaining(['VALIDATION_FAILED', 'NOT_FOUND']) as unknown,
    })
    expect(JSON.stringify(lines)).not.toContain('hunter2')
  })

  it('says in each line of a call who asked for what, and from where', async () => {
    const { url, lines } = await start()
    const response = await fetch(`${url}/trpc/things.get?input=${encodeURIComponent('{"json":{"id":"broken"}}')}`, {
      headers: { Authorization: 'Bearer viewer', 'User-Agent': 'a test', 'X-Request-Id': 'find-me' },
    })
    expect(response.status).toBe(500)
    const ofRequest = () => lines.filter(({ requestId }) => requestId === 'find-me')
    await expect
      .poll(() => ofRequest().map(({ msg }) => msg))
      .toEqual(['what went in and out', 'call failed', 'request'])
    const about = {
      ...{ method: 'GET', url: '/trpc/things.get', ip: '127.0.0.1', userAgent: 'a test' },
      ...{ userId: 'usr_viewer', userRole: 'viewer', sessionId: 'ses_viewer', apiKeyId: null },
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as unknown,
    }
    const [, failed, request] = ofRequest()
    expect(failed).toMatchObject({ ...about, level: 'error', code: 'INTERNAL', procedure: 'things.get' })
    expect(request).toMatchObject({ ...about, status: 500, procedures: ['things.get'], errorCodes: ['INTERNAL'] })
    expect(request?.['bytesOut']).toBeGreaterThan(100)
    expect(request?.['durationMs']).toBeGreaterThanOrEqual(0)
  })

  it('tells the bytes of each request of a connection, both ways', async () => {
    const { url, lines } = await start()
    const ask = (path: string, more: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\n${more}\r\n`
    const asked = [ask('/api/ping', ''), ask('/api/ping', `X-Padding: ${'x'.repeat(1_000)}\r\nConnection: close\r\n`)]
    await new Promise((resolve, reject) => {
      const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.write(asked[0] ?? ''))
      socket.once('data', () => socket.resume().write(asked[1] ?? ''))
      socket.on('close', resolve).on('error', reject)
    })
    const pings = () => lines.filter((line) => line['msg'] === 'request' && line['url'] === '/api/ping')
    await expect.poll(() => pings().map((line) => line['bytesIn'])).toEqual(asked.map((text) => text.length))
    for (const line of pings()) expect(line['bytesOut']).toBeGreaterThan(100)
  })

  it('tells what was no request too, under the id that was answered', async () => {
    const { url, lines } = await start()
    for (const [text, status, detail] of [
      ['FOO / HTTP/1.1\r\nHost: a\r\n\r\n', 400, 'this method is not known'],
      ['GET / HTTQ/1.1\r\n\r\n', 400, 'this is not HTTP'],
      [`GET / HTTP/1.1\r\nHost: a\r\nX-Big: ${'y'.repeat(40_000)}\r\n\r\n`, 431, 'too large'],
    ] as const) {
      const answer = await rawExchange(url, text)
      expect(answer).toContain(detail)
      const requestId = /^X-Request-Id: (.*)$/m.exec(answer)?.[1]?.trim()
      expect(lines.filter((line) => line['requestId'] === requestId)).toMatchObject([{ msg: 'request', status }])
    }
  })

  it('tells 499 when the client leaves before the answer', async () => {
    const { url, lines } = await start()
    const leave = new AbortController()
    const gone = fetch(`${url}/api/hang`, { signal: leave.signal }).catch(() => 'gone')
    setTimeout(() => leave.abort(), 30)
    expect(await gone).toBe('gone')
    await expect.poll(() => lines.some((line) => line['status'] === 499)).toBe(true)
  })
})
