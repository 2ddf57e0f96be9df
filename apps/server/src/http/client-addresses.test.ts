import { connect } from 'node:net'

import { afterEach, describe, expect, it } from 'vitest'

import { startProbeServer, type ProbeServer } from '../testing/http-test-server.js'

const open: ProbeServer[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.stop()))
})

const start = async (trustedProxies: string[], more: Parameters<typeof startProbeServer>[0] = {}) => {
  const server = await startProbeServer({ ...more, http: { trustedProxies, ...more.http } })
  open.push(server)
  return server
}

/** Whom the log of the server names. */
const namedFor = async ({ url, lines }: ProbeServer, headers: Record<string, string>): Promise<unknown> => {
  const before = lines.length
  await fetch(`${url}/api/ping`, { headers })
  await expect.poll(() => lines.length, { interval: 10 }).toBeGreaterThan(before)
  return lines[before]?.['ip']
}

const forwarded = (value: string) => ({ 'X-Forwarded-For': value })

describe('a request through proxies comes from', () => {
  it.each([
    ['the client that the proxy names', ['loopback'], '192.0.2.1', '192.0.2.1'],
    ['its peer where no proxy is trusted', [], '192.0.2.1', '127.0.0.1'],
    ['its peer where others are trusted', ['10.0.0.0/8', '127.0.0.2'], '192.0.2.1', '127.0.0.1'],
    ['whom the last proxy saw, not whom the client says', ['loopback'], '198.51.100.9, 192.0.2.1', '192.0.2.1'],
    [
      'whom the first of several proxies saw',
      ['loopback', 'private'],
      '198.51.100.9, 192.0.2.1, 10.0.0.2',
      '192.0.2.1',
    ],
    ['a private client where only one machine is trusted', ['loopback'], '192.168.1.5, 10.0.0.2', '10.0.0.2'],
    ['a client of IPv6', ['loopback'], '2001:DB8:0:0::1', '2001:db8::1'],
    ['a client of IPv4 that is written as IPv6', ['loopback'], '::ffff:192.0.2.1', '192.0.2.1'],
    [
      'a client behind a proxy that is written as IPv6',
      ['loopback', '10.0.0.2'],
      '192.0.2.1, ::ffff:a00:2',
      '192.0.2.1',
    ],
    ['its peer where the proxy names none', ['loopback'], '', '127.0.0.1'],
    ['its peer where the proxy writes no address', ['loopback'], 'unknown', '127.0.0.1'],
    ['its peer where a port stands behind the address', ['loopback'], '192.0.2.1:4711', '127.0.0.1'],
    [
      'its peer where the address is written as no proxy does',
      ['loopback', '10.0.0.2'],
      '192.0.2.1, 0xa000002',
      '127.0.0.1',
    ],
    ['its peer where names are injected', ['loopback'], '192.0.2.1 10.0.0.1', '127.0.0.1'],
    [
      'whom the tenth of very many proxies saw',
      ['loopback', 'private'],
      `192.0.2.1${', 10.0.0.2'.repeat(500)}`,
      '10.0.0.2',
    ],
  ])('by its header, %s', async (_what, trusted, header, expected) => {
    expect(await namedFor(await start(trusted), forwarded(header))).toBe(expected)
  })

  it('the client that the last of several headers names', async () => {
    const server = await start(['loopback'])
    await new Promise((resolve, reject) => {
      const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
      const lines = ['X-Forwarded-For: 198.51.100.9', 'X-Forwarded-For: 192.0.2.1', 'Connection: close', '', '']
      socket.write(['GET /api/ping HTTP/1.1', 'Host: x', ...lines].join('\r\n'))
      socket.on('error', reject).on('close', resolve).resume()
    })
    await expect.poll(() => server.lines[0]?.['ip']).toBe('192.0.2.1')
  })

  it('nobody whom another header names', async () => {
    const others = { Forwarded: 'for=192.0.2.1', 'X-Real-IP': '192.0.2.1', 'CF-Connecting-IP': '192.0.2.1' }
    expect(await namedFor(await start(['loopback']), others)).toBe('127.0.0.1')
  })
})

it('a peer of IPv4 at a socket of IPv6 is written as IPv4, and is trusted as such', async () => {
  const server = await start(['127.0.0.0/8'], { http: { host: '::' } })
  const seen = { ...server, url: `http://127.0.0.1:${new URL(server.url).port}` }
  expect(await namedFor(seen, {})).toBe('127.0.0.1')
})

describe('the limit on calls', () => {
  const statusFor = async ({ url }: ProbeServer, address: string) =>
    (await fetch(`${url}/api/ping`, { headers: forwarded(address) })).status

  it('is of each client behind a trusted proxy', async () => {
    const server = await start(['loopback'], { ratePerMinute: 1 })
    expect([await statusFor(server, '192.0.2.1'), await statusFor(server, '192.0.2.1')]).toEqual([200, 429])
    expect(await statusFor(server, '192.0.2.2')).toBe(200)
    // What the client adds in front changes nothing.
    expect(await statusFor(server, '192.0.2.9, 192.0.2.1')).toBe(429)
  })

  it('is got around by nobody who is no trusted proxy', async () => {
    const server = await start(['10.0.0.0/8'], { ratePerMinute: 1 })
    expect([await statusFor(server, '192.0.2.1'), await statusFor(server, '192.0.2.2')]).toEqual([200, 429])
  })
})
