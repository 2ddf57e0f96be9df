import { deflateRawSync } from 'node:zlib'

import {
  directoryOf,
  forged,
  pngOf,
  SLICED,
  without,
  zipOf,
  type ArchiveFiles,
} from '../../../src/testing/three-mf-archives.js'
import { posted, type Attack, type Lab } from './attack.js'

const NO_3MF = '422 NOT_3MF'
const PLATE = 'Metadata/plate_1.gcode'

const upload = (lab: Lab, bytes: string | Buffer, name = 'part.gcode.3mf') =>
  posted(lab, `/api/files?name=${encodeURIComponent(name)}`, bytes, 'application/octet-stream')

const attack = async (what: string, files: Readonly<ArchiveFiles> | Buffer, answer = NO_3MF): Promise<Attack> => {
  const bytes = Buffer.isBuffer(files) ? files : await zipOf(files)
  return [what, (lab) => upload(lab, bytes), answer]
}

const sliced = await zipOf(SLICED)
const described = (xml: string): ArchiveFiles => ({ ...SLICED, 'Metadata/slice_info.config': xml })
const zeros = Buffer.alloc(100_000_000)
/** G-code as long as that of a day, no line like another. */
const longPlate = `G28\n${Array.from({ length: 300_000 }, (_, n) => `G1 X${(n * 7919) % 200}.${n % 97} Y${(n * 104_729) % 200} E${n % 53}\n`).join('')}`

/** Where an entry lies in the list, and where its own header is. */
const placesOf = (archive: Buffer, index: number) => {
  const listed = directoryOf(archive)[index] ?? 0
  return { listed, header: archive.readUInt32LE(listed + 42) }
}

/** Says everywhere that the last file has a thousand bytes, though it unpacks to a hundred million. */
const sayLess = (archive: Buffer) => {
  const { listed, header } = placesOf(archive, Object.keys(SLICED).length)
  archive.writeUInt32LE(1_000, listed + 24)
  archive.writeUInt32LE(1_000, header + 22)
}

/** All files are the first one, over and over: the list grows by one line for each. */
const allAtOnePlace = (archive: Buffer) => {
  const { header } = placesOf(archive, 0)
  for (const place of directoryOf(archive)) archive.writeUInt32LE(header, place + 42)
}

const laughs = () => {
  const entities = Array.from({ length: 9 }, (_, n) => `<!ENTITY l${n + 1} "${`&l${n};`.repeat(10)}">`)
  return `<?xml version="1.0"?><!DOCTYPE config [<!ENTITY l0 "ha">${entities.join('')}]><config>&l9;</config>`
}

/** As 42.zip: archives in an archive, each of a file of zeros. Whoever opened them would have gigabytes. */
const nested = async (depth: number): Promise<Buffer> => {
  if (depth === 0) return zipOf({ zeros: zeros.subarray(0, 10_000_000) })
  const inner = await nested(depth - 1)
  return zipOf({ '1.zip': inner, '2.zip': inner, '3.zip': inner })
}

const renamed = (archive: Buffer, from: string, to: string) =>
  Buffer.from(archive.toString('latin1').replaceAll(from, to), 'latin1')

const BOMBS: Attack[] = [
  await attack('one file that unpacks to a hundred megabytes', { ...SLICED, zeros }),
  await attack('a plate that unpacks to a hundred megabytes', { ...SLICED, [PLATE]: zeros }),
  await attack('a file that unpacks to more than it says', forged(await zipOf({ ...SLICED, zeros }), sayLess)),
  await attack(
    'three thousand files',
    Object.fromEntries(Array.from({ length: 3_000 }, (_, n): [string, string] => [`${n}`, ''])),
  ),
  await attack('a thousand files of which each is small', {
    ...SLICED,
    ...Object.fromEntries(Array.from({ length: 1_000 }, (_, n) => [`${n}`, zeros.subarray(0, 1_000_000)])),
  }),
  await attack('files that all lie at one place', forged(sliced, allAtOnePlace)),
  await attack('archives in archives, which nobody opens', { ...SLICED, 'Auxiliaries/42.zip': await nested(2) }, '201'),
]

const LIES: Attack[] = [
  await attack('an archive that is cut off', sliced.subarray(0, sliced.length - 30)),
  await attack('an archive of which the first half has come twice', Buffer.concat([sliced.subarray(0, 300), sliced])),
  await attack('an archive behind a program', Buffer.concat([Buffer.from('MZ\x90\x00'), sliced])),
  await attack('g-code that is called an archive', Buffer.from('G28\nG1 X10 Y10 E1 F600\n')),
  await attack(
    'deflated bytes that are called an archive',
    Buffer.concat([Buffer.from('PK\x03\x04'), deflateRawSync(zeros)]),
  ),
  await attack(
    'a folder above the archive',
    renamed(await zipOf({ ...SLICED, 'nnnnnnn/passwd': 'x' }), 'nnnnnnn/', '../../a/'),
  ),
  await attack('a path from the root', renamed(await zipOf({ ...SLICED, 'netc/passwd': 'x' }), 'netc/', '/etc/')),
  await attack('links', await zipOf(SLICED, { mode: 0o120777 })),
  await attack(
    'encrypted files',
    forged(sliced, (bytes) => void bytes.writeUInt16LE(0x801, placesOf(bytes, 4).listed + 8)),
  ),
  await attack('a model that nobody sliced', without(SLICED, PLATE), '422 NOT_SLICED'),
  await attack('text documents', without(SLICED, '[Content_Types].xml')),
  await attack(
    'a page for a plate',
    { ...SLICED, [PLATE]: '<!doctype html><script>alert(1)</script>\n' },
    '422 NOT_GCODE',
  ),
  ['an archive that is called g-code', (lab) => upload(lab, sliced, 'part.gcode'), '422 NOT_GCODE'],
]

const PARTS: Attack[] = [
  await attack('XML of a billion laughs', described(laughs())),
  await attack(
    'XML with a file of ours',
    described('<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'),
  ),
  await attack('XML nested a hundred thousand deep', described('<a>'.repeat(100_000))),
  await attack('XML of a million elements', described(`<config>${'<a/>'.repeat(900_000)}</config>`)),
  await attack('XML of an attribute of megabytes', described(`<config a="${'x1'.repeat(1_500_000)}"/>`)),
  await attack('types that are no XML', { ...SLICED, '[Content_Types].xml': '<Types' }),
  await attack('a picture that claims four billion pixels each way', {
    ...SLICED,
    'Metadata/plate_1.png': pngOf(0xffffffff, 0xffffffff),
  }),
  await attack('a plate of a day', { ...SLICED, [PLATE]: longPlate }, '201'),
]

export const ARCHIVES: Attack[] = [...BOMBS, ...LIES, ...PARTS]
