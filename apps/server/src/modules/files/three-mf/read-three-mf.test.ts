import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { printFileMetadataSchema } from '@gantry/schemas'
import { afterAll, describe, expect, it } from 'vitest'

import {
  CONTENT_TYPES_XML,
  directoryOf,
  forged,
  pngOf,
  SLICED,
  streamedZipOf,
  without,
  zipOf,
  type ArchiveFiles,
} from '../../../testing/three-mf-archives.js'
import { ScanThread } from '../gcode/scan-thread.js'
import { readThreeMf } from './read-three-mf.js'

const ORCA = readFileSync(join(import.meta.dirname, '../fixtures/orca-three-filaments.gcode'))
const scans = new ScanThread()
afterAll(() => scans.close())

const read = (archive: Buffer, signal?: AbortSignal) =>
  readThreeMf(
    { sizeBytes: archive.length, read: (at, length) => Promise.resolve(archive.subarray(at, at + length)) },
    { scans, signal },
  )

const refusal = (reason: string) => ({ code: 'NOT_3MF', params: { reason } })

describe('a sliced 3MF', () => {
  it.each<[string, () => Promise<Buffer>]>([
    ['as slicers write it', () => zipOf(SLICED)],
    ['uncompressed', () => zipOf(SLICED, { compress: false })],
    ['with its sizes behind its data', () => streamedZipOf(SLICED)],
    ['in ZIP64', () => zipOf(SLICED, { forceZip64: true })],
    ['without a model, as the smallest are saved', () => zipOf(without(SLICED, '3D/3dmodel.model', '_rels/.rels'))],
  ])('%s tells what its plate says, and what the slicer says of it', async (_, archive) => {
    const { metadata, thumbnail } = await read(await archive())
    expect(printFileMetadataSchema.parse(metadata)).toEqual(metadata)
    expect(metadata).toMatchObject({ estimatedPrintSeconds: 1534, nozzleDiametersMm: [0.4], printerModel: 'C12' })
    expect(metadata.filaments[0]).toMatchObject({ material: 'PLA', color: '#00AE42', lengthMm: 20 })
    expect(metadata.thumbnails).toEqual([{ widthPx: 512, heightPx: 512, format: 'png', sizeBytes: 200 }])
    expect(thumbnail).toMatchObject({ widthPx: 512, bytes: SLICED['Metadata/plate_1.png'] })
    expect(metadata.plates.map(({ number }) => number)).toEqual([1])
  })

  it('is described by its lowest plate, whatever the order, and lists them all', async () => {
    const files = {
      'Metadata/plate_12.gcode': ORCA,
      ...without(SLICED, 'Metadata/plate_1.gcode', 'Metadata/plate_1.png'),
      'Metadata/plate_2.gcode': 'G28\nG1 X1 Y1 E1\n',
      'Metadata/plate_2.png': pngOf(256, 128),
      'Metadata/plate_12.png': pngOf(300, 300),
    }
    const { metadata, thumbnail } = await read(await zipOf(files))
    expect(metadata.plates).toMatchObject([
      { number: 2, estimatedPrintSeconds: 60, filamentTotal: { weightGrams: 4.5 } },
      { number: 12 },
    ])
    expect(metadata.plates[1]?.estimatedPrintSeconds).toBeGreaterThan(60)
    expect(metadata).toMatchObject({ estimatedPrintSeconds: 60, printerModel: null })
    expect(thumbnail).toMatchObject({ widthPx: 256 })
  })

  it('believes the g-code before what is written beside it', async () => {
    const { metadata } = await read(await zipOf({ ...SLICED, 'Metadata/plate_1.gcode': ORCA }))
    expect(metadata.slicer?.name).toBe('OrcaSlicer')
    expect(metadata.printerModel).not.toBe('C12')
    expect(metadata.estimatedPrintSeconds).not.toBe(1534)
  })

  it('without a description tells what its g-code says', async () => {
    const { metadata } = await read(await zipOf(without(SLICED, 'Metadata/slice_info.config')))
    expect(metadata).toMatchObject({ estimatedPrintSeconds: null, printerModel: null, plates: [{ number: 1 }] })
  })

  it('may hold archives and whatever else, which nobody opens', async () => {
    const inner = await zipOf({ 'Metadata/plate_9.gcode': '<html>' })
    const files = { ...SLICED, 'Auxiliaries/inner.zip': inner, 'Auxiliaries/größe.txt': 'x', 'Auxiliaries/a/': '' }
    expect((await read(await zipOf(files))).metadata.plates).toHaveLength(1)
  })

  it('whose picture is no PNG has none', async () => {
    const { thumbnail } = await read(await zipOf({ ...SLICED, 'Metadata/plate_1.png': Buffer.from('GIF89a') }))
    expect(thumbnail).toBeNull()
  })

  it('is given up when nobody wants it any more', async () => {
    const reason = new Error('gone')
    await expect(read(await zipOf(SLICED), AbortSignal.abort(reason))).rejects.toBe(reason)
  })

  it('tells a fault of the disk from one of the archive', async () => {
    const fault = new Error('EIO')
    for (const reads of [0, 1, 4, 20]) {
      const archive = await zipOf(SLICED)
      let left = reads
      const source = {
        sizeBytes: archive.length,
        read: (at: number, length: number) =>
          left-- > 0 ? Promise.resolve(archive.subarray(at, at + length)) : Promise.reject(fault),
      }
      await expect(readThreeMf(source, { scans })).rejects.toBe(fault)
    }
  })
})

describe('what is no sliced 3MF', () => {
  it.each<[string, ArchiveFiles, object]>([
    ['a model that nobody sliced', without(SLICED, 'Metadata/plate_1.gcode'), { code: 'NOT_SLICED' }],
    ['a ZIP of plates without content types', without(SLICED, '[Content_Types].xml'), refusal('not_3mf')],
    [
      'a package of another kind',
      { ...SLICED, '[Content_Types].xml': CONTENT_TYPES_XML.replace('3dmodel+xml', 'document+xml') },
      refusal('not_3mf'),
    ],
    [
      'a plate that is a page',
      { ...SLICED, 'Metadata/plate_1.gcode': '<html></html>\n' },
      { code: 'NOT_GCODE', params: { reason: 'no_commands' } },
    ],
    [
      'a plate that is a program',
      { ...SLICED, 'Metadata/plate_1.gcode': Buffer.from('\x7fELF\x02\x01\x00\x00') },
      { code: 'NOT_GCODE', params: { reason: 'binary' } },
    ],
    ['an empty plate', { ...SLICED, 'Metadata/plate_1.gcode': '' }, { code: 'NOT_GCODE', params: { reason: 'empty' } }],
  ])('is refused: %s', async (_, files, expected) => {
    await expect(read(await zipOf(files))).rejects.toMatchObject(expected)
  })

  it.each([
    ['nothing', Buffer.alloc(0), 'not_zip'],
    ['a few bytes', Buffer.from('PK\x03\x04'), 'not_zip'],
    ['text', Buffer.from('G28\n'.repeat(100)), 'malformed'],
  ])('is refused: %s', async (_, bytes, reason) => {
    await expect(read(bytes)).rejects.toMatchObject(refusal(reason))
  })
})

describe('an archive that lies', () => {
  const entry = (archive: Buffer, index: number) => directoryOf(archive)[index] ?? 0
  const end = (archive: Buffer) => archive.length - 22

  it.each<[what: string, forge: (bytes: Buffer) => void, reason: string]>([
    [
      'about the checksum',
      (b) => void (b.writeUInt32LE(1, entry(b, 4) + 16), b.writeUInt32LE(1, at(b, 4) + 14)),
      'checksum',
    ],
    ['to one of two readers', (b) => void b.writeUInt32LE(1, entry(b, 4) + 16), 'malformed'],
    ['about a size, saying less', (b) => said(b, 4, 10), 'malformed'],
    ['about a size, saying more', (b) => said(b, 4, 900), 'malformed'],
    ['about a size, by gigabytes', (b) => said(b, 4, 0xfffffffe), 'too_large'],
    ['about its method', (b) => void b.writeUInt16LE(12, entry(b, 4) + 10), 'unsupported_entry'],
    ['about a name', (b) => void b.write('X', entry(b, 3) + 46), 'malformed'],
    ['about where a file lies', (b) => void b.writeUInt32LE(at(b, 3), entry(b, 4) + 42), 'overlap'],
    ['about where all files lie', (b) => void b.writeUInt32LE(0, entry(b, 4) + 42), 'overlap'],
    ['about where a file lies, beyond its end', (b) => void b.writeUInt32LE(0xfffffff0, entry(b, 5) + 42), 'malformed'],
    [
      'about the number of its files',
      (b) => void (b.writeUInt16LE(5, end(b) + 8), b.writeUInt16LE(5, end(b) + 10)),
      'malformed',
    ],
    ['about its disks', (b) => void b.writeUInt16LE(1, end(b) + 4), 'malformed'],
    ['about where the list is', (b) => void b.writeUInt32LE(7, end(b) + 16), 'malformed'],
    ['and has a comment', (b) => void b.writeUInt16LE(1, end(b) + 20), 'malformed'],
    ['and is encrypted', (b) => void b.writeUInt16LE(0x801, entry(b, 4) + 8), 'encrypted'],
    ['and is encrypted strongly', (b) => void b.writeUInt16LE(0x840, entry(b, 4) + 8), 'malformed'],
    ['and whose data are cut up', (b) => void b.fill(0xff, at(b, 4) + 60, at(b, 4) + 70), 'malformed'],
  ])('%s is refused', async (_, forge, reason) => {
    const error = await read(forged(await zipOf(SLICED), forge)).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject(refusal(reason))
  })

  it('in ZIP64 otherwise than without is refused', async () => {
    const archive = await zipOf(SLICED, { forceZip64: true })
    const long = archive.length - 98
    for (const [place, value] of [
      [long + 32, 5n],
      [long + 40, 1n],
      [long + 48, 1n],
      [long + 48, 0xffffffffffffffffn],
      [long + 76 - 12, 3n],
    ] as const) {
      const lying = forged(archive, (bytes) => void bytes.writeBigUInt64LE(value, place))
      await expect(read(lying)).rejects.toMatchObject(refusal('malformed'))
    }
  })

  it('and is cut anywhere is refused', async () => {
    const archive = await zipOf(SLICED)
    for (const left of [0.1, 0.5, 0.9, 0.99]) {
      const cut = archive.subarray(0, Math.floor(archive.length * left))
      await expect(read(cut)).rejects.toMatchObject({ code: 'NOT_3MF' })
    }
  })
})

/** Where a file's own header lies. */
const at = (archive: Buffer, index: number): number => archive.readUInt32LE((directoryOf(archive)[index] ?? 0) + 42)

/** Says another size in both places. */
const said = (archive: Buffer, index: number, sizeBytes: number): void => {
  archive.writeUInt32LE(sizeBytes, (directoryOf(archive)[index] ?? 0) + 24)
  archive.writeUInt32LE(sizeBytes, at(archive, index) + 22)
}

describe('an archive that would do harm', () => {
  it.each<[string, () => Promise<Buffer>, string]>([
    [
      'a plate of blanks',
      () => zipOf({ ...SLICED, 'Metadata/plate_1.gcode': Buffer.alloc(20_000_000, ' ') }),
      'compression_ratio',
    ],
    [
      'a file of zeros that nobody reads',
      () => zipOf({ ...SLICED, 'Auxiliaries/a': Buffer.alloc(20_000_000) }),
      'compression_ratio',
    ],
    ['many small files of zeros', () => zipOf({ ...SLICED, ...many(40, 1_000_000) }), 'compression_ratio'],
    ['thousands of files', () => zipOf({ ...SLICED, ...many(2_000, 0) }), 'too_many_entries'],
    ['names without end', () => zipOf({ ...SLICED, ['x'.repeat(600)]: '' }), 'unsafe_name'],
    [
      'a list of names that is too long',
      () => zipOf({ ...SLICED, ...many(1_900, 0, 'x'.repeat(600)) }),
      'too_many_entries',
    ],
    ['two files of one name', () => zipOf({ ...SLICED, 'METADATA/plate_1.gcode': 'G28\nG1 X1\n' }), 'duplicate_name'],
    ['links', () => zipOf(SLICED, { mode: 0o120777 }), 'unsupported_entry'],
    ['devices', () => zipOf(SLICED, { mode: 0o020666 }), 'unsupported_entry'],
    [
      'a picture of four billion pixels each way',
      () => zipOf({ ...SLICED, 'Metadata/plate_1.png': pngOf(0xffffffff, 0xffffffff) }),
      'picture',
    ],
    ['a picture of no pixels', () => zipOf({ ...SLICED, 'Metadata/plate_3.png': pngOf(0, 0) }), 'picture'],
    [
      'a picture of megabytes',
      () => zipOf({ ...SLICED, 'Metadata/plate_1.png': pngOf(9, 9, 3_000_000) }, { compress: false }),
      'picture',
    ],
    [
      'a description of megabytes',
      () => zipOf({ ...SLICED, 'Metadata/slice_info.config': Buffer.alloc(5_000_000) }, { compress: false }),
      'too_large',
    ],
  ])('is refused: %s', async (_, archive, reason) => {
    await expect(read(await archive())).rejects.toMatchObject(refusal(reason))
  })

  it.each(['../evil', 'a/../../evil', '/etc/passwd', 'C:/evil', 'a\\..\\evil', 'a//b', './a', 'a\0.png', 'a\n'])(
    'is refused: a file called %j',
    async (name) => {
      const plain = `${'n'.repeat(Buffer.byteLength(name) - 1)}.`
      const archive = renamed(await zipOf({ ...SLICED, [plain]: 'x' }), plain, name)
      await expect(read(archive)).rejects.toMatchObject(refusal('unsafe_name'))
    },
  )
})

const many = (count: number, sizeBytes: number, prefix = ''): ArchiveFiles =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => [`${prefix}${n}`, Buffer.alloc(sizeBytes)]))

const renamed = (archive: Buffer, from: string, to: string): Buffer =>
  Buffer.from(archive.toString('latin1').replaceAll(from, to), 'latin1')

describe('the description of plates', () => {
  const described = async (xml: string | Buffer) => read(await zipOf({ ...SLICED, 'Metadata/slice_info.config': xml }))
  const deep = (depth: number) => `${'<a>'.repeat(depth)}${'</a>'.repeat(depth)}`
  const laughs = `<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha">${Array.from(
    { length: 9 },
    (_, n) => `<!ENTITY ${'b'.repeat(n + 1)} "${`&${n === 0 ? 'a' : 'b'.repeat(n)};`.repeat(10)}">`,
  ).join('')}]><config>&bbbbbbbbb;</config>`

  it.each<[string, string | Buffer]>([
    ['a billion laughs', laughs],
    ['an entity of a file', '<!DOCTYPE c [<!ENTITY x SYSTEM "file:///etc/passwd">]><config>&x;</config>'],
    ['an entity that nobody defined', '<config a="&x;"/>'],
    ['a document type alone', '<!DOCTYPE config><config/>'],
    ['elements in one another a thousand times', deep(1_000)],
    ['a million elements', `<config>${'<a/>'.repeat(150_000)}</config>`],
    ['a thousand attributes', `<config ${Array.from({ length: 1_000 }, (_, n) => `a${n}="1"`).join(' ')}/>`],
    ['one attribute twice', '<config a="1" a="2"/>'],
    ['two roots', '<config/><config/>'],
    ['no end', '<config><plate>'],
    ['no elements', ''],
    ['another encoding', Buffer.from('\ufeff<config/>', 'utf16le')],
    [
      'bytes that are no text',
      Buffer.concat([Buffer.from('<config>'), Buffer.from([0xff, 0xfe]), Buffer.from('</config>')]),
    ],
  ])('is refused with %s', async (_, xml) => {
    await expect(described(xml)).rejects.toMatchObject(refusal('xml'))
  })

  it('is passed over where it says nonsense', async () => {
    const { metadata } = await described(
      `\ufeff<config><plate><metadata key="index" value="1"/><metadata key="prediction" value="-5"/>
       <metadata key="__proto__" value="x"/><filament id="0"/><filament id="1e9"/><filament id="1" used_m="NaN" color="red"/>
       </plate><plate/><other><plate><metadata key="index" value="1"/></plate></other></config>`,
    )
    expect(metadata).toMatchObject({ estimatedPrintSeconds: null, printerModel: null, filaments: [{ color: null }] })
    expect(printFileMetadataSchema.parse(metadata)).toEqual(metadata)
  })
})
