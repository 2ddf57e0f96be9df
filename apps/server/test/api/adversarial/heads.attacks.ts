import { asAdmin, request, type Attack } from './attack.js'

const REFUSED = '400 VALIDATION_FAILED'
const HEALTH = '/healthz'

/** Two requests in one: what a proxy and a server that disagree would take apart differently. */
const smuggled = (headers: string, body: string) =>
  `POST /api/auth/login HTTP/1.1\r\nHost: gantry\r\nContent-Type: application/json\r\n${headers}\r\n\r\n${body}`
const INNER = `GET ${HEALTH} HTTP/1.1\r\nHost: gantry\r\n\r\n`

const SMUGGLING: Attack[] = [
  [
    'Content-Length and Transfer-Encoding',
    () => smuggled('Content-Length: 5\r\nTransfer-Encoding: chunked', `0\r\n\r\n${INNER}`),
    REFUSED,
  ],
  [
    'Transfer-Encoding before Content-Length',
    () => smuggled('Transfer-Encoding: chunked\r\nContent-Length: 5', `0\r\n\r\n${INNER}`),
    REFUSED,
  ],
  ['two Content-Lengths that differ', () => smuggled('Content-Length: 0\r\nContent-Length: 44', INNER), REFUSED],
  ['a Content-Length of two numbers', () => smuggled('Content-Length: 0, 44', INNER), REFUSED],
  ['a negative Content-Length', () => smuggled('Content-Length: -1', INNER), REFUSED],
  ['a Content-Length in hexadecimal', () => smuggled('Content-Length: 0x2c', INNER), REFUSED],
  ['a Content-Length beyond all numbers', () => smuggled('Content-Length: 99999999999999999999', INNER), REFUSED],
  ['Transfer-Encoding of an unknown kind', () => smuggled('Transfer-Encoding: xchunked', INNER), REFUSED],
  ['chunked before another coding', () => smuggled('Transfer-Encoding: chunked, identity', INNER), REFUSED],
  ['Transfer-Encoding with a blank before its colon', () => smuggled('Transfer-Encoding : chunked', INNER), REFUSED],
  ['a chunk whose size is no number', () => smuggled('Transfer-Encoding: chunked', `zz\r\n${INNER}`), REFUSED],
  [
    'a chunk that is longer than it says',
    () => smuggled('Transfer-Encoding: chunked', `1\r\n{}}\r\n0\r\n\r\n${INNER}`),
    REFUSED,
  ],
  ['a head whose lines end in a bare LF', () => `GET ${HEALTH} HTTP/1.1\nHost: gantry\nConnection: close\n\n`, REFUSED],
  ['a bare CR in a header', () => request(HEALTH, { headers: ['X-A: 1\rX-B: 2'] }), REFUSED],
  ['a header folded over two lines', () => request(HEALTH, { headers: ['X-A: 1\r\n  folded'] }), REFUSED],
  ['NUL in a header', () => request(HEALTH, { headers: ['X-A: a\0b'] }), REFUSED],
  ['a header without a name', () => request(HEALTH, { headers: [': value'] }), REFUSED],
  ['a header name with a blank', () => request(HEALTH, { headers: ['X A: value'] }), REFUSED],
]

const LINES: Attack[] = [
  ['bytes that are no HTTP', () => Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00]), REFUSED],
  ['HTTP/2 without having agreed on it', () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', REFUSED],
  ['HTTP/0.9', () => `GET ${HEALTH}\r\n\r\n`, REFUSED],
  ['a version that does not exist', () => `GET ${HEALTH} HTTP/9.9\r\nHost: gantry\r\n\r\n`, REFUSED],
  ['NUL in the path', () => request('/healthz\0'), REFUSED],
  ['a blank in the path', () => request('/health z'), REFUSED],
  ['no Host', () => `GET ${HEALTH} HTTP/1.1\r\nConnection: close\r\n\r\n`, REFUSED],
  ['two Hosts', () => request(HEALTH, { headers: ['Host: elsewhere.example'] }), REFUSED],
  ['a URL of another server', () => request('http://elsewhere.example/healthz'), REFUSED],
  ['a path that is a star', () => request('*', { method: 'OPTIONS' }), REFUSED],
  ['a tunnel, which ends without a word', () => request('10.0.0.1:80', { method: 'CONNECT' })],
  [
    'an upgrade to another protocol',
    () =>
      request('/trpc/printers.list', {
        headers: ['Upgrade: websocket', 'Sec-WebSocket-Key: x', 'Sec-WebSocket-Version: 13'],
      }),
    '401 UNAUTHENTICATED',
  ],
  ['an expectation that nobody meets', () => request(HEALTH, { headers: ['Expect: miracles'] }), REFUSED],
  ['a URL of 20 kB', () => request(`/healthz?${'x'.repeat(20_000)}`), '413 REQUEST_TOO_LARGE'],
  ['a URL of 100 kB', () => request(`/healthz?${'x'.repeat(100_000)}`), '431 REQUEST_TOO_LARGE'],
  ['a header of 100 kB', () => request(HEALTH, { headers: [`X-A: ${'x'.repeat(100_000)}`] }), '431 REQUEST_TOO_LARGE'],
  [
    'a thousand headers',
    () => request(HEALTH, { headers: Array.from({ length: 1_000 }, (_, n) => `x${n}: 1`) }),
    '413 REQUEST_TOO_LARGE',
  ],
  [
    'headers that hide the token behind thousands',
    (lab) => asAdmin(lab, '/api/auth/me', { headers: Array.from({ length: 2_500 }, () => `a: 1`) }),
    '413 REQUEST_TOO_LARGE',
  ],
]

const METHODS: Attack[] = [
  ['a method that does not exist', () => request(HEALTH, { method: 'STEAL' }), REFUSED],
  ['a method in lower case', () => request(HEALTH, { method: 'get' }), REFUSED],
  ['TRACE, which would show headers to scripts', () => request(HEALTH, { method: 'TRACE' }), '405 METHOD_NOT_ALLOWED'],
  [
    'DELETE of what can only be read',
    (lab) => asAdmin(lab, '/api/system', { method: 'DELETE' }),
    '405 METHOD_NOT_ALLOWED',
  ],
  ['a mutation by GET', (lab) => asAdmin(lab, '/trpc/auth.logout'), '405 METHOD_NOT_ALLOWED'],
  [
    'a query by POST',
    (lab) =>
      asAdmin(lab, '/trpc/system.info', {
        method: 'POST',
        headers: ['Content-Type: application/json', 'Content-Length: 2'],
        body: '{}',
      }),
    '405 METHOD_NOT_ALLOWED',
  ],
  [
    'a method that overrides another',
    (lab) => asAdmin(lab, `/api/projects/${lab.projectId}`, { headers: ['X-HTTP-Method-Override: DELETE'] }),
    '200',
  ],
  ['PROPFIND of the files', (lab) => asAdmin(lab, '/api/files', { method: 'PROPFIND' }), '405 METHOD_NOT_ALLOWED'],
]

export const HEADS: Attack[] = [...SMUGGLING, ...LINES, ...METHODS]
