import { asAdmin, mutation, posted, query, request, type Attack } from './attack.js'

const REFUSED = '400 VALIDATION_FAILED'
const UNKNOWN = '404 NOT_FOUND'
const FOREIGN = 'usr_01890000-0000-7000-8000-000000000000'

const TRAVERSAL: Attack[] = [
  ...[
    '/../../etc/passwd',
    '/api/../../etc/passwd',
    '/admin/queues/../../../package.json',
    '/admin/queues/..%2f..%2fpackage.json',
    '/admin/queues/%2e%2e/%2e%2e/package.json',
    '/account/..%2f..%2fpackage.json',
    '/assets/../shared/api.js',
    '/assets/%2e%2e/account/account.html',
    '/api/docs/..%2fpackage.json',
    '/api/docs//etc/passwd',
    '/.env',
    '/.git/config',
    '/api//files',
    '//api/files',
  ].map((path): Attack => [`the path ${path}`, (lab) => asAdmin(lab, path), UNKNOWN]),
  ['a file without an id', (lab) => asAdmin(lab, '/api/files/'), REFUSED],
  ['a path above a file', (lab) => asAdmin(lab, '/api/files/..%2f..%2f..%2fetc%2fpasswd/content'), UNKNOWN],
  ['a path of backslashes', (lab) => asAdmin(lab, '/api/files/..%5c..%5cwindows/content'), UNKNOWN],
  ['NUL behind an id', (lab) => asAdmin(lab, `/api/files/${lab.fileId}%00.png/content`), UNKNOWN],
  ['a line feed behind an id', (lab) => asAdmin(lab, `/api/projects/${lab.projectId}%0a`), REFUSED],
]

const IDS: Attack[] = [
  ['a printer’s id for a project', (lab) => asAdmin(lab, `/api/projects/${lab.printerId}`), REFUSED],
  ['a user’s id for a file', (lab) => query(lab, 'files.get', `{"json":{"id":"${FOREIGN}"}}`), REFUSED],
  ['a list of ids', (lab) => query(lab, 'projects.get', `{"json":{"id":["${lab.projectId}"]}}`), REFUSED],
  ['an id that is an operator of a query', (lab) => query(lab, 'projects.get', '{"json":{"id":{"not":"x"}}}'), REFUSED],
  [
    'an id in two places',
    (lab) => posted(lab, `/api/printers/${lab.printerId}/hold`, `{"id":"${FOREIGN}","note":7}`),
    REFUSED,
  ],
  ['an id of the path in the query too', (lab) => asAdmin(lab, `/api/projects/${lab.projectId}?id=${FOREIGN}`), '200'],
  ['an id in upper case', (lab) => asAdmin(lab, `/api/projects/${lab.projectId.toUpperCase()}`), REFUSED],
]

const FILTERS: Attack[] = [
  ['SQL as a cursor', (lab) => asAdmin(lab, `/api/projects?cursor=${encodeURIComponent("' OR 1=1 --")}`), REFUSED],
  [
    'SQL within a cursor',
    (lab) =>
      asAdmin(
        lab,
        `/api/projects?cursor=${Buffer.from("2026-01-01T00:00:00.000Z prj_1' OR '1'='1").toString('base64url')}`,
      ),
    REFUSED,
  ],
  [
    'a cursor of a year that no database knows',
    (lab) =>
      asAdmin(lab, `/api/projects?cursor=${Buffer.from('-200000-01-01T00:00:00.000Z prj_1').toString('base64url')}`),
    REFUSED,
  ],
  ['a cursor of 600 letters', (lab) => asAdmin(lab, `/api/projects?cursor=${'a'.repeat(600)}`), REFUSED],
  [
    'a cursor of another list',
    (lab) => asAdmin(lab, `/api/projects?cursor=${Buffer.from('{"id":1}').toString('base64url')}`),
    REFUSED,
  ],
  ['a limit beyond the largest', (lab) => asAdmin(lab, '/api/projects?limit=1000000'), REFUSED],
  ['a limit below nothing', (lab) => asAdmin(lab, '/api/projects?limit=-1'), REFUSED],
  ['a limit in hexadecimal', (lab) => asAdmin(lab, '/api/projects?limit=0x10'), REFUSED],
  [
    'a limit that is NaN',
    (lab) => query(lab, 'projects.list', '{"json":{"limit":"NaN"},"meta":{"values":{"limit":["number"]}}}'),
    REFUSED,
  ],
  [
    'a filter that is a query',
    (lab) => asAdmin(lab, `/api/print-jobs?states=${encodeURIComponent("queued'; DROP TABLE print_job; --")}`),
    REFUSED,
  ],
  [
    'a filter that is a pattern',
    (lab) => asAdmin(lab, `/api/admin/jobs?type=${encodeURIComponent('(a+)+$')}`),
    REFUSED,
  ],
  ['a filter nobody has', (lab) => asAdmin(lab, '/api/projects?where[role]=admin'), REFUSED],
  [
    'SQL as a name, which is a name',
    (lab) => posted(lab, '/api/projects', `{"name":"Robert'); DROP TABLE project; --"}`),
    '200',
  ],
  [
    'markup as a name, which is a name',
    (lab) => posted(lab, '/api/projects', '{"name":"<script>alert(1)</script>"}'),
    '200',
  ],
  [
    'a template as a name, which is a name',
    (lab) => posted(lab, '/api/projects', '{"name":"${7*7}{{7*7}}%n%s"}'),
    '200',
  ],
  [
    'SQL as a log-in',
    (lab) => posted(lab, '/api/auth/login', `{"email":"o'or'1@x.yz","password":"' OR ''='"}`),
    '401 INVALID_CREDENTIALS',
  ],
  [
    'a password of 100 kB',
    (lab) => posted(lab, '/api/auth/login', `{"email":"a@x.y","password":"${'x'.repeat(100_000)}"}`),
    REFUSED,
  ],
]

const KEYS: Attack[] = [
  ...[
    ['too short', 'a'],
    ['of 200 letters', 'a'.repeat(200)],
    ['with a line feed', 'abcdefgh\\n'],
    ['with NUL', 'abcdefgh\\u0000'],
    ['with a blank', 'abc defgh'],
  ].map(([what, key]): Attack => [
    `an idempotency key ${what}`,
    (lab) => mutation(lab, 'projects.create', `{"json":{"name":"A","idempotencyKey":"${key}"}}`),
    REFUSED,
  ]),
  [
    'an idempotency key that is a list',
    (lab) => mutation(lab, 'projects.create', '{"json":{"name":"A","idempotencyKey":["abcdefgh"]}}'),
    REFUSED,
  ],
  [
    'an idempotency key for the first time',
    (lab) => mutation(lab, 'projects.create', '{"json":{"name":"A","idempotencyKey":"adversary-1"}}'),
    '200',
  ],
  [
    'the same idempotency key for something else',
    (lab) => mutation(lab, 'projects.create', '{"json":{"name":"B","idempotencyKey":"adversary-1"}}'),
    '409 IDEMPOTENCY_KEY_REUSED',
  ],
]

const PAGES: Attack[] = [
  ['the API description without a login', () => request('/api/openapi.json'), '401 UNAUTHENTICATED'],
  ['the metrics without a login', () => request('/metrics'), '401 UNAUTHENTICATED'],
  ['the health in detail without a login', () => request('/health/detailed'), '401 UNAUTHENTICATED'],
  ['the queues without a login', () => request('/api/admin/queues'), '401 UNAUTHENTICATED'],
  ['a file without a login', (lab) => request(`/api/files/${lab.fileId}/content`), '401 UNAUTHENTICATED'],
  [
    'an export with a made-up signature',
    () =>
      request('/api/exports/exp_01890000-0000-7000-8000-000000000000/download?expires=9999999999999&signature=AAAA'),
    '403 LINK_REFUSED',
  ],
  [
    'an export whose expiry is a text',
    () => request('/api/exports/x/download?expires=1e99&signature=%00'),
    '403 LINK_REFUSED',
  ],
]

export const PATHS: Attack[] = [...TRAVERSAL, ...IDS, ...FILTERS, ...KEYS, ...PAGES]
