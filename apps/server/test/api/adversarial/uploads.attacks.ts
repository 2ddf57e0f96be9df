import { deflateSync } from 'node:zlib'

import { asAdmin, posted, type Attack, type Lab } from './attack.js'

const REFUSED = '400 VALIDATION_FAILED'
const NO_GCODE = '422 NOT_GCODE'
const BYTES = 'application/octet-stream'
const GCODE = 'G28\nG1 X10 Y10 E1 F600\n'

const upload = (lab: Lab, name: string, bytes: string | Buffer, type = BYTES, headers: readonly string[] = []) =>
  posted(lab, `/api/files?name=${encodeURIComponent(name)}`, bytes, type, headers)

const disposed = (lab: Lab, disposition: string) =>
  posted(lab, '/api/files', GCODE, BYTES, [`Content-Disposition: ${disposition}`])

/** The head of a ZIP's member, as a 3MF begins, that claims to be four gigabytes large. */
const zipHead = () => {
  const head = Buffer.alloc(30 + 14)
  head.writeUInt32LE(0x04034b50, 0)
  head.writeUInt16LE(8, 8)
  head.writeUInt32LE(0xffffffff, 22)
  head.writeUInt16LE(14, 26)
  head.write('3D/3dmodel.mod', 30)
  return head
}
const bomb = () => Buffer.concat([zipHead(), deflateSync(Buffer.alloc(8_000_000))])

/** A picture as slicers write them into g-code, that claims to be so wide and high. */
const pictured = (sizes: string, bytes: Buffer) => {
  const lines = bytes.toString('base64').match(/.{1,76}/g) ?? []
  return `; thumbnail begin ${sizes} ${bytes.length}\n${lines.map((line) => `; ${line}\n`).join('')}; thumbnail end\n${GCODE}`
}
const hugePng = () => {
  const png = Buffer.from('89504e470d0a1a0a0000000d49484452ffffffffffffffff0806000000', 'hex')
  return Buffer.concat([png, Buffer.alloc(4), deflateSync(Buffer.alloc(1_000_000))])
}

const form = (parts: string, boundary = 'x') =>
  [Buffer.from(parts), `multipart/form-data; boundary=${boundary}`] as const
const part = (disposition: string, content = GCODE) =>
  `--x\r\nContent-Disposition: ${disposition}\r\n\r\n${content}\r\n`
const sendForm = (lab: Lab, [body, type]: readonly [Buffer, string]) => posted(lab, '/api/files', body, type)
const FILE_PART = part('form-data; name="file"; filename="a.gcode"')

const CONTENTS: Attack[] = [
  ['a ZIP bomb as 3MF', (lab) => upload(lab, 'bomb.3mf', bomb()), '422 NOT_3MF'],
  ['a ZIP bomb as g-code', (lab) => upload(lab, 'bomb.gcode', bomb()), NO_GCODE],
  [
    'a program as g-code',
    (lab) => upload(lab, 'a.gcode', Buffer.concat([Buffer.from('\x7fELF\x02\x01\x01'), Buffer.alloc(200)])),
    NO_GCODE,
  ],
  ['a page as g-code', (lab) => upload(lab, 'a.gcode', '<!doctype html><script>alert(1)</script>\n'), NO_GCODE],
  ['nothing', (lab) => upload(lab, 'a.gcode', ''), NO_GCODE],
  ['g-code as a page', (lab) => upload(lab, 'a.html', GCODE), REFUSED],
  ['g-code with two endings', (lab) => upload(lab, 'a.gcode.exe', GCODE), REFUSED],
  ['a line of a megabyte', (lab) => upload(lab, 'line.gcode', `${GCODE};${'x'.repeat(1_000_000)}\n`), '201'],
  ['words without end', (lab) => upload(lab, 'words.gcode', `G1 ${'X1 '.repeat(300_000)}\n${GCODE}`), '201'],
  [
    'a picture that claims four billion pixels each way',
    (lab) => upload(lab, 'png.gcode', pictured('4294967295x4294967295', hugePng())),
    '201',
  ],
  ['a picture whose size is negative', (lab) => upload(lab, 'negative.gcode', pictured('-1x-1', hugePng())), '201'],
  [
    'ten thousand pictures that never end',
    (lab) => upload(lab, 'many.gcode', `${'; thumbnail begin 16x16 999999\n; AAAA\n'.repeat(10_000)}${GCODE}`),
    '201',
  ],
]

const NAMES: Attack[] = [
  [
    'a name above the folder, of which the last part stays',
    (lab) => upload(lab, '../../etc/passwd.gcode', GCODE),
    '201',
  ],
  ['a name of backslashes, of which the last part stays', (lab) => upload(lab, '..\\..\\windows.gcode', GCODE), '201'],
  ['a name that is only dots', (lab) => upload(lab, '..', GCODE), REFUSED],
  ['a name that turns its own end around', (lab) => upload(lab, 'a\u202eedocg.exe', GCODE), REFUSED],
  ['a name of control characters', (lab) => upload(lab, '\x01\x02\r\n', GCODE), REFUSED],
  ['a name of 1,000 letters', (lab) => upload(lab, `${'x'.repeat(1_000)}.gcode`, GCODE), REFUSED],
  ['a name with NUL before another ending', (lab) => upload(lab, 'a.exe\0.gcode', GCODE), '201'],
  ['no name', (lab) => posted(lab, '/api/files', GCODE, BYTES), REFUSED],
  [
    'a name in a disposition that is no UTF-8',
    (lab) => disposed(lab, "attachment; filename*=UTF-8''%ff.gcode"),
    REFUSED,
  ],
  ['a disposition with a path', (lab) => disposed(lab, 'attachment; filename="../../../b.gcode"'), '201'],
]

const FORMS: Attack[] = [
  ['a form without a boundary', (lab) => posted(lab, '/api/files', FILE_PART, 'multipart/form-data'), REFUSED],
  ['a form that ends in the middle', (lab) => sendForm(lab, form(FILE_PART.slice(0, -10))), REFUSED],
  ['a form of two files', (lab) => sendForm(lab, form(`${FILE_PART}${FILE_PART}--x--\r\n`)), REFUSED],
  [
    'a form of 1,000 fields',
    (lab) => sendForm(lab, form(`${part('form-data; name="a"', '1').repeat(1_000)}--x--\r\n`)),
    REFUSED,
  ],
  [
    'a form whose part has headers of 100 kB',
    (lab) => sendForm(lab, form(`--x\r\nX-A: ${'x'.repeat(100_000)}\r\n\r\n1\r\n--x--\r\n`)),
    REFUSED,
  ],
  [
    'a form with a field that is the prototype',
    (lab) => sendForm(lab, form(`${part('form-data; name="__proto__"', '1')}--x--\r\n`)),
    REFUSED,
  ],
  ['a form whose boundary is 1,000 letters long', (lab) => sendForm(lab, form('x', 'y'.repeat(1_000))), REFUSED],
  [
    'an upload that says JSON',
    (lab) => upload(lab, 'a.gcode', GCODE, 'application/json'),
    '415 UNSUPPORTED_MEDIA_TYPE',
  ],
  [
    'an upload beyond the largest file',
    (lab) =>
      asAdmin(lab, '/api/files?name=a.gcode', {
        method: 'POST',
        headers: [`Content-Type: ${BYTES}`, 'Content-Length: 99999999999'],
      }),
    '413 FILE_TOO_LARGE',
  ],
]

const RANGES: Attack[] = [
  ...['bytes=9-1', 'bytes=-', 'bytes=0-0,1-1,2-2', 'bytes=99999999999999999999-', 'lines=1-2', 'bytes=1-2-3'].map(
    (range): Attack => [
      `the range ${range}`,
      (lab) => asAdmin(lab, `/api/files/${lab.fileId}/content`, { headers: [`Range: ${range}`] }),
      '200',
    ],
  ),
]

export const UPLOADS: Attack[] = [...CONTENTS, ...NAMES, ...FORMS, ...RANGES]
