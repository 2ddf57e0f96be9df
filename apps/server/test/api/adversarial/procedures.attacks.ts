import { asAdmin, mutation, posted, query, request, type Attack, type Lab } from './attack.js'

const REFUSED = '400 VALIDATION_FAILED'
const UNKNOWN = '404 NOT_FOUND'

const PROTOTYPE_PATHS = ['a.__proto__', '__proto__.a', 'constructor.prototype', 'a\\\\.__proto__']

const META: Attack[] = [
  ...PROTOTYPE_PATHS.map((path): Attack => [
    `an annotation at ${path}`,
    (lab) => mutation(lab, 'projects.create', `{"json":{"name":"A"},"meta":{"values":{"${path}":["Date"]}}}`),
    REFUSED,
  ]),
  [
    'an annotation that makes a pattern',
    (lab) => mutation(lab, 'projects.create', '{"json":{"name":"/(a+)+$/"},"meta":{"values":{"name":["regexp"]}}}'),
    REFUSED,
  ],
  [
    'an annotation that makes an error',
    (lab) => mutation(lab, 'projects.create', '{"json":{"name":{"message":"x"}},"meta":{"values":{"name":["Error"]}}}'),
    REFUSED,
  ],
  [
    'an annotation of a class',
    (lab) => mutation(lab, 'projects.create', '{"json":{"name":{}},"meta":{"values":{"name":[["class","User"]]}}}'),
    REFUSED,
  ],
  [
    'an annotation that makes undefined',
    (lab) =>
      mutation(
        lab,
        'printers.update',
        '{"json":{"id":"x","ifVersion":null},"meta":{"values":{"ifVersion":["undefined"]}}}',
      ),
    REFUSED,
  ],
  [
    'an annotation of what is not there, which makes nothing',
    (lab) => mutation(lab, 'projects.create', '{"json":{"name":"A"},"meta":{"values":{"no.such.place":["Date"]}}}'),
    '200',
  ],
  [
    '20,000 annotations',
    (lab) =>
      mutation(
        lab,
        'projects.create',
        `{"json":{"name":"A"},"meta":{"values":{${Array.from({ length: 20_000 }, (_, n) => `"a${n}":["Date"]`).join(',')}}}}`,
      ),
    REFUSED,
  ],
  [
    'references from many places to one',
    (lab) =>
      mutation(
        lab,
        'projects.create',
        '{"json":{"name":"A"},"meta":{"referentialEqualities":{"name":["__proto__.polluted"]}}}',
      ),
    REFUSED,
  ],
  [
    'annotations nested 10,000 deep',
    (lab) =>
      mutation(
        lab,
        'projects.create',
        `{"json":{"name":"A"},"meta":{"values":${'{"a":'.repeat(10_000)}["Date"]${'}'.repeat(10_000)}}}`,
      ),
    REFUSED,
  ],
  ['a meta that is a text', (lab) => mutation(lab, 'projects.create', '{"json":{"name":"A"},"meta":"x"}'), REFUSED],
  [
    'a big integer of 50,000 digits',
    (lab) =>
      mutation(
        lab,
        'projects.create',
        `{"json":{"name":"${'9'.repeat(50_000)}"},"meta":{"values":{"name":["bigint"]}}}`,
      ),
    REFUSED,
  ],
  [
    'a date that is none',
    (lab) =>
      mutation(lab, 'projects.create', '{"json":{"name":"A","dueAt":"never"},"meta":{"values":{"dueAt":["Date"]}}}'),
    REFUSED,
  ],
  ['an input that is no envelope', (lab) => mutation(lab, 'projects.create', '[1]'), REFUSED],
  [
    'an input that is the prototype',
    (lab) => mutation(lab, 'projects.create', '{"json":{"name":"A"},"__proto__":{"json":{}}}'),
    REFUSED,
  ],
  ['a query whose input is no JSON', (lab) => query(lab, 'projects.get', '{id:1}'), REFUSED],
]

const NAMES: Attack[] = [
  ...[
    'toString',
    '__proto__',
    'constructor',
    'hasOwnProperty',
    'printers.__proto__',
    'printers.constructor',
    'printers.list.apply',
    '_def',
    '_def.procedures',
    'createCaller',
    'printers',
    '%00',
    '..%2fapi',
    'printers.list%0d%0aX-A:1',
  ].map((name): Attack => [`the procedure ${name}`, (lab) => asAdmin(lab, `/trpc/${name}`), UNKNOWN]),
  ['a procedure of 8,000 letters', (lab) => asAdmin(lab, `/trpc/${'a'.repeat(8_000)}`), UNKNOWN],
  ['a procedure that is no UTF-8', (lab) => asAdmin(lab, '/trpc/%ff'), REFUSED],
  ['a procedure without a name', (lab) => asAdmin(lab, '/trpc/'), UNKNOWN],
]

const batch = (names: readonly string[], input: string | null = null) =>
  `/trpc/${names.join(',')}?batch=1${input === null ? '' : `&input=${encodeURIComponent(input)}`}`

const repeated = (times: number, name: string) => Array.from({ length: times }, () => name)

const BATCHES: Attack[] = [
  ['a batch of 21 calls', (lab) => asAdmin(lab, batch(repeated(21, 'system.info'))), REFUSED],
  ['a batch of 4,000 calls', (lab) => asAdmin(lab, batch(repeated(4_000, 'a'))), REFUSED],
  ['a batch of 21 logins', (lab) => posted(lab, batch(repeated(21, 'auth.login')), '{}'), REFUSED],
  [
    'a batch of the same unknown call',
    (lab) => asAdmin(lab, batch(repeated(3, 'no.such'))),
    '404 NOT_FOUND NOT_FOUND NOT_FOUND',
  ],
  [
    'a batch of inherited names',
    (lab) => asAdmin(lab, batch(['toString', '__proto__', 'constructor'])),
    '404 NOT_FOUND NOT_FOUND NOT_FOUND',
  ],
  [
    'a batch whose commas are escaped',
    (lab) => asAdmin(lab, `/trpc/${repeated(21, 'system.info').join('%2C')}?batch=1`),
    REFUSED,
  ],
  [
    'a batch whose inputs are a list of prototypes',
    (lab) => asAdmin(lab, batch(['projects.get', 'projects.get'], '{"__proto__":{"0":{"json":{}}}}')),
    '400 VALIDATION_FAILED VALIDATION_FAILED',
  ],
  [
    'a batch with an input beyond its calls',
    (lab) => asAdmin(lab, batch(['projects.get'], '{"7":{"json":{}},"length":{"json":1e9}}')),
    '400 VALIDATION_FAILED',
  ],
  [
    'a batch that says so twice',
    (lab) => asAdmin(lab, '/trpc/no.such,no.such?batch=1&batch=0'),
    '404 NOT_FOUND NOT_FOUND',
  ],
  ['a stream inside a batch', (lab) => asAdmin(lab, batch(['printers.onStatus', 'system.info'])), REFUSED],
]

const digits = (count: number) => `{"json":{"email":"${'9'.repeat(count)}"},"meta":{"values":{"email":["bigint"]}}}`
const login = (body: string) =>
  request('/trpc/auth.login', {
    method: 'POST',
    headers: ['Content-Type: application/json', `Content-Length: ${body.length}`],
    body,
  })

/** As many names as there is room for in a URL. */
const manyNames = `/api/printers?${Array.from({ length: 4_000 }, (_, n) => n.toString(36)).join('&')}`

/** Little to send, much to work on; where it says nothing else, for anybody. */
export const COSTLY: Attack[] = [
  ['a big integer of a million digits', () => login(digits(1_000_000)), REFUSED],
  ['a big integer of 41 digits', () => login(digits(41)), REFUSED],
  ['a query of 4,000 names', () => request(manyNames), '401 UNAUTHENTICATED'],
  ['a query of 4,000 names, of somebody who may ask', (lab: Lab) => asAdmin(lab, manyNames), REFUSED],
]

export const PROCEDURES: Attack[] = [...META, ...NAMES, ...BATCHES, ...COSTLY]
