import { printFileMetadataSchema } from '@gantry/schemas'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'

import { GantryError } from '../../../kernel/errors.js'
import { HOSTILE, mutatedBytes, unfitTexts } from '../../../testing/hostile-input.js'
import {
  CONTENT_TYPES_XML,
  directoryOf,
  forged,
  SLICE_INFO_XML,
  SLICED,
  streamedZipOf,
  zipOf,
} from '../../../testing/three-mf-archives.js'
import { ScanThread } from '../gcode/scan-thread.js'
import { checkContentTypes } from './content-types.js'
import { readThreeMf, type ThreeMf } from './read-three-mf.js'
import { readSliceInfo } from './slice-info.js'

const ARCHIVES = [
  await zipOf(SLICED),
  await zipOf(SLICED, { compress: false }),
  await zipOf(SLICED, { forceZip64: true }),
  await streamedZipOf(SLICED),
]
const REFUSALS = new Set(['NOT_3MF', 'NOT_SLICED', 'NOT_GCODE'])
const MAX_TEXT_CHARACTERS = 400
const MAX_METADATA_CHARACTERS = 100_000

const scans = new ScanThread()
afterAll(() => scans.close())

/** Whatever is read, it is a typed refusal or what `sound` expects. */
const expectRefusalOr = async <T>(reading: Promise<T>, sound: (read: T) => void): Promise<void> => {
  await reading.then(sound, (error: unknown) => {
    expect(error).toBeInstanceOf(GantryError)
    expect(REFUSALS).toContain((error as GantryError).code)
  })
}

const expectSound = ({ metadata, thumbnail }: ThreeMf) => {
  expect(printFileMetadataSchema.parse(metadata)).toEqual(metadata)
  expect(unfitTexts(metadata, MAX_TEXT_CHARACTERS)).toEqual([])
  expect(JSON.stringify(metadata).length).toBeLessThan(MAX_METADATA_CHARACTERS)
  expect(thumbnail?.bytes.length ?? 0).toBeLessThanOrEqual(2 * 1024 * 1024)
}

const expectBorne = async (archive: Buffer) => {
  let bytesRead = 0
  const read = (at: number, length: number) => {
    const bytes = archive.subarray(at, at + length)
    bytesRead += bytes.length
    return Promise.resolve(bytes)
  }
  await expectRefusalOr(readThreeMf({ sizeBytes: archive.length, read }, { scans }), expectSound)
  expect(bytesRead).toBeLessThanOrEqual(3 * archive.length + 100_000)
}

/** What archives are made of, put together as no program would. */
const pieces = fc.constantFrom(
  ...['504b0304', '504b0102', '504b0506', '504b0606', '504b0607', '504b0708', 'ffffffff', '0000', '0800', '01001c00'],
  ...['4d657461646174612f706c6174655f312e67636f6465', '5b436f6e74656e745f54797065735d2e786d6c', '2e2e2f', '00000000'],
)
const nonsense = fc
  .array(
    fc.oneof(
      pieces,
      fc.uint8Array({ maxLength: 30 }).map((bytes) => Buffer.from(bytes).toString('hex')),
    ),
    {
      maxLength: 60,
    },
  )
  .map((parts) => Buffer.from(parts.join(''), 'hex'))

/** Where an archive says something of itself, and what it says there instead. */
const lies = fc.array(
  fc.record({
    entry: fc.nat(5),
    where: fc.constantFrom('list', 'header', 'end'),
    at: fc.nat(44),
    value: fc.oneof(fc.constantFrom(0, 1, 8, 0xff, 0xffff, 0x7fffffff, 0xffffffff), fc.nat(0xffffffff)),
    width: fc.constantFrom(1, 2, 4),
  }),
  { minLength: 1, maxLength: 3 },
)

/** @param where in the list of entries, in an entry's own header, or in the records at the end */
const placeIn = (archive: Buffer, entry: number, where: string): number => {
  const listed = directoryOf(archive)[entry] ?? 0
  const header = archive.readUInt32LE(listed + 42)
  if (where === 'end') return archive.length - 50
  // In ZIP64 it stands elsewhere.
  return where === 'header' && header < archive.length ? header : listed
}

describe('the reader of 3MF', () => {
  it('ends in a typed refusal with any bytes', async () => {
    const bytes = fc.uint8Array({ maxLength: 4_000 }).map((array) => Buffer.from(array))
    await fc.assert(fc.asyncProperty(fc.oneof(bytes, nonsense), expectBorne), HOSTILE)
  })

  it('reads real archives with damage in them, or refuses them, and stays within its bounds', async () => {
    await fc.assert(fc.asyncProperty(mutatedBytes(...ARCHIVES), expectBorne), HOSTILE)
  })

  it('reads real archives that say something else of themselves, or refuses them', async () => {
    const property = fc.asyncProperty(fc.constantFrom(...ARCHIVES), lies, async (archive, told) => {
      const lying = forged(archive, (bytes) => {
        for (const { entry, where, at, value, width } of told)
          bytes.writeUIntLE(value % 256 ** width, placeIn(archive, entry, where) + at, width)
      })
      await expectBorne(lying)
    })
    await fc.assert(property, HOSTILE)
  })
})

/** What XML is made of, put together as no program would. */
const xml = fc
  .array(
    fc.constantFrom(
      ...['<config>', '</config>', '<plate>', '</plate>', '<plate/>', '<Types>', '</Types>', '<?xml version="1.0"?>'],
      ...[
        '<metadata key="index" value="1"/>',
        '<metadata key="prediction" value="1e99"/>',
        '<filament id="2" used_m="-1"/>',
      ],
      ...[
        '<filament id="64" type="\u0001" color="#12"/>',
        '<!DOCTYPE a [<!ENTITY b "c">]>',
        '&b;',
        '&amp;',
        '&#0;',
        '&#x1F600;',
      ],
      ...['<![CDATA[', ']]>', '<!--', '-->', '<a ', 'b="', '"', '<', '>', '\0', '\ud800', 'é', '<?a ?>', 'xmlns:x="y"'],
    ),
    { maxLength: 60 },
  )
  .map((parts) => Buffer.from(parts.join('')))

async function* inChunks(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size))
}

describe('the reader of XML in a 3MF', () => {
  const documents = fc.oneof(
    xml,
    fc.uint8Array({ maxLength: 2_000 }).map((array) => Buffer.from(array)),
    mutatedBytes(Buffer.from(SLICE_INFO_XML), Buffer.from(CONTENT_TYPES_XML)),
  )

  it('ends in what is said of plates, or a typed refusal, whatever the document', async () => {
    const property = fc.asyncProperty(documents, fc.integer({ min: 1, max: 100 }), async (document, size) => {
      await expectRefusalOr(readSliceInfo(inChunks(document, size)), (plates) => {
        expect(plates.size).toBeLessThanOrEqual(64)
        for (const { filaments } of plates.values()) expect(filaments.length).toBeLessThanOrEqual(64)
        expect(unfitTexts([...plates.values()], MAX_TEXT_CHARACTERS)).toEqual([])
      })
      await expectRefusalOr(checkContentTypes(inChunks(document, size)), () => undefined)
    })
    await fc.assert(property, HOSTILE)
  })

  it('finds the same however a document is cut into chunks', async () => {
    const property = fc.asyncProperty(fc.integer({ min: 1, max: 300 }), async (size) => {
      const bytes = Buffer.from(SLICE_INFO_XML)
      expect(await readSliceInfo(inChunks(bytes, size))).toEqual(await readSliceInfo(inChunks(bytes, bytes.length)))
    })
    await fc.assert(property, { ...HOSTILE, numRuns: 50 })
  })
})
