import { gzipSync } from 'node:zlib'

import { asAdmin, posted, type Attack } from './attack.js'

const REFUSED = '400 VALIDATION_FAILED'
const WRONG_TYPE = '415 UNSUPPORTED_MEDIA_TYPE'
const PROJECTS = '/api/projects'
const NAMED = '{"name":"A"}'
const BOM = '\ufeff{"name":7}'
const FORM = '--x\r\nContent-Disposition: form-data; name="json"\r\n\r\n{}\r\n--x--\r\n'

const TYPES: Attack[] = [
  [
    'a form to a procedure',
    (lab) => posted(lab, '/trpc/projects.create', FORM, 'multipart/form-data; boundary=x'),
    WRONG_TYPE,
  ],
  [
    'bytes to a procedure',
    (lab) => posted(lab, '/trpc/projects.create', NAMED, 'application/octet-stream'),
    WRONG_TYPE,
  ],
  [
    'plain text to a procedure, as a page of another origin may send it',
    (lab) => posted(lab, '/trpc/projects.create', NAMED, 'text/plain'),
    WRONG_TYPE,
  ],
  ['a page’s form to REST', (lab) => posted(lab, PROJECTS, 'name=A', 'application/x-www-form-urlencoded'), WRONG_TYPE],
  [
    'JSON in UTF-16',
    (lab) => posted(lab, PROJECTS, Buffer.from(NAMED, 'utf16le'), 'application/json; charset=utf-16'),
    WRONG_TYPE,
  ],
  [
    'JSON in UTF-7',
    (lab) => posted(lab, '/trpc/projects.create', NAMED, 'application/json; charset=utf-7'),
    WRONG_TYPE,
  ],
  ['two types at once', (lab) => posted(lab, PROJECTS, NAMED, 'text/plain, application/json'), WRONG_TYPE],
  [
    'a body without a type',
    (lab) => asAdmin(lab, PROJECTS, { method: 'POST', headers: [`Content-Length: ${NAMED.length}`], body: NAMED }),
    WRONG_TYPE,
  ],
  ['a body of a GET', (lab) => asAdmin(lab, PROJECTS, { headers: ['Content-Length: 5'], body: 'extra' }), WRONG_TYPE],
  [
    'a compressed body',
    (lab) => posted(lab, PROJECTS, gzipSync(NAMED), 'application/json', ['Content-Encoding: gzip']),
    WRONG_TYPE,
  ],
  [
    'a compressed upload',
    (lab) =>
      posted(lab, '/api/files?name=a.gcode', gzipSync('G28\n'), 'application/octet-stream', ['Content-Encoding: gzip']),
    WRONG_TYPE,
  ],
  [
    'a compressed tRPC body',
    (lab) => posted(lab, '/trpc/projects.create', gzipSync(NAMED), 'application/json', ['Content-Encoding: br']),
    WRONG_TYPE,
  ],
]

const deep = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`

const JSON_BOMBS: Attack[] = [
  ['a nest of 100,000 lists', (lab) => posted(lab, PROJECTS, `{"name":${deep(100_000)}}`), REFUSED],
  [
    'a nest of 100,000 objects',
    (lab) => posted(lab, '/trpc/projects.create', `{"json":${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}}`),
    REFUSED,
  ],
  ['a nest just beyond the limit', (lab) => posted(lab, PROJECTS, `{"name":${deep(40)}}`), REFUSED],
  [
    '200,000 fields',
    (lab) => posted(lab, PROJECTS, `{${Array.from({ length: 90_000 }, (_, n) => `"k${n}":1`).join(',')}}`),
    REFUSED,
  ],
  [
    '200,000 list members',
    (lab) => posted(lab, PROJECTS, `{"name":"A","parts":[${Array.from({ length: 200_000 }, () => '{}').join(',')}]}`),
    REFUSED,
  ],
  [
    'a body beyond a megabyte',
    (lab) => posted(lab, PROJECTS, `{"name":"${'x'.repeat(1_100_000)}"}`),
    '413 REQUEST_TOO_LARGE',
  ],
  [
    'a number beyond all numbers',
    (lab) => posted(lab, '/api/print-jobs', '{"source":{"fileId":"a","copies":1e999}}'),
    REFUSED,
  ],
  [
    'a number of 100,000 digits',
    (lab) => posted(lab, '/api/print-jobs', `{"priority":${'9'.repeat(100_000)}}`),
    REFUSED,
  ],
  ['a key given twice, the second one wrong', (lab) => posted(lab, PROJECTS, '{"name":"A","name":7}'), REFUSED],
  ['a key that is the prototype', (lab) => posted(lab, PROJECTS, '{"name":"A","__proto__":{"role":"admin"}}'), REFUSED],
  [
    'a key that is the constructor',
    (lab) => posted(lab, PROJECTS, '{"name":"A","constructor":{"prototype":{"role":"admin"}}}'),
    REFUSED,
  ],
  ['a prototype written with an escape', (lab) => posted(lab, PROJECTS, '{"name":"A","\\u005f_proto__":{}}'), REFUSED],
  ['a prototype in the query', (lab) => asAdmin(lab, `${PROJECTS}?__proto__=a&__proto__=b`), REFUSED],
  ['a prototype of one value in the query', (lab) => asAdmin(lab, `${PROJECTS}?__proto__=a`), REFUSED],
  ['a constructor in the query', (lab) => asAdmin(lab, `${PROJECTS}?constructor=a`), REFUSED],
  ['half of a JSON text', (lab) => posted(lab, PROJECTS, '{"name":"A"'), REFUSED],
  ['JSON with a comment', (lab) => posted(lab, PROJECTS, '{"name":"A"/**/}'), REFUSED],
  ['two JSON texts', (lab) => posted(lab, PROJECTS, '{"name":"A"}{"name":"B"}'), REFUSED],
  ['null', (lab) => posted(lab, PROJECTS, 'null'), REFUSED],
  ['NaN', (lab) => posted(lab, '/api/print-jobs', '{"priority":NaN}'), REFUSED],
]

const ENCODINGS: Attack[] = [
  ['bytes that are no UTF-8', (lab) => posted(lab, PROJECTS, Buffer.from('7b226e616d65223a22ff227d', 'hex')), REFUSED],
  [
    'a slash in overlong UTF-8',
    (lab) => posted(lab, PROJECTS, Buffer.from('7b226e616d65223a22c0af227d', 'hex')),
    REFUSED,
  ],
  [
    'bytes that are no UTF-8 over tRPC',
    (lab) =>
      posted(
        lab,
        '/trpc/projects.create',
        Buffer.concat([Buffer.from('{"json":{"name":"'), Buffer.from([0xff]), Buffer.from('"}}')]),
      ),
    REFUSED,
  ],
  ['half of a surrogate pair', (lab) => posted(lab, PROJECTS, '{"name":"\\ud83d"}'), REFUSED],
  ['NUL in a text', (lab) => posted(lab, PROJECTS, '{"name":"a\\u0000b"}'), REFUSED],
  ['a byte order mark', (lab) => posted(lab, PROJECTS, BOM), REFUSED],
  ['a percent sign that escapes nothing', (lab) => asAdmin(lab, '/api/projects/%zz'), REFUSED],
  ['a path in overlong UTF-8', (lab) => asAdmin(lab, '/api/projects/%c0%af'), REFUSED],
  ['a query that is no UTF-8', (lab) => asAdmin(lab, '/api/projects?cursor=%ff%fe'), REFUSED],
  [
    'a surrogate as a tRPC input',
    (lab) => asAdmin(lab, '/trpc/projects.get?input=%7B%22json%22%3A%7B%22id%22%3A%22%5Cud83d%22%7D%7D'),
    REFUSED,
  ],
]

export const BODIES: Attack[] = [...TYPES, ...JSON_BOMBS, ...ENCODINGS]
