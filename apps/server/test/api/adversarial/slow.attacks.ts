import { asAdmin, request, type Attack } from './attack.js'

const LATE_HEAD = '408 DEADLINE_EXCEEDED'
const LATE_BODY = '504 DEADLINE_EXCEEDED'

const unfinished = (headers: readonly string[]) =>
  `POST /api/projects HTTP/1.1\r\nHost: gantry\r\n${headers.join('\r\n')}`
const withLength = (bytes: number) => ['Content-Type: application/json', `Content-Length: ${bytes}`]

/** Each takes as long as the server waits, so that they all run at once; the last piece never comes. */
export const SLOW: Attack[] = [
  ['a connection on which nothing comes', () => '', LATE_HEAD],
  ['a head that never ends', () => unfinished(['X-A: 1']), LATE_HEAD],
  ['half of a method', () => 'GE', LATE_HEAD],
  [
    'a body of which nothing comes',
    (lab) => asAdmin(lab, '/api/projects', { method: 'POST', headers: withLength(100) }),
    LATE_BODY,
  ],
  [
    'a body of which half comes',
    (lab) => asAdmin(lab, '/trpc/projects.create', { method: 'POST', headers: withLength(100), body: '{"json":' }),
    LATE_BODY,
  ],
  [
    'a chunked body that never ends',
    (lab) =>
      asAdmin(lab, '/api/projects', {
        method: 'POST',
        headers: ['Content-Type: application/json', 'Transfer-Encoding: chunked'],
        body: '1\r\n{\r\n',
      }),
    LATE_BODY,
  ],
  [
    'a login of which half comes',
    () => request('/api/auth/login', { method: 'POST', headers: withLength(50), body: '{"email"' }),
    LATE_BODY,
  ],
  [
    'a body that nobody wants and that never ends',
    () => 'GET /healthz HTTP/1.1\r\nHost: gantry\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n',
    '200',
  ],
]
