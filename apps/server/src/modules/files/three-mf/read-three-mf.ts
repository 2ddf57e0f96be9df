import type { PrintFileMetadata } from '@gantry/schemas'

import { GantryError } from '../../../kernel/errors.js'
import type { ScanThread } from '../gcode/scan-thread.js'
import type { ExtractedThumbnail } from '../gcode/thumbnail-collector.js'
import { notGcode } from '../not-gcode.js'
import { readArchiveDirectory, type ArchiveEntry } from './archive-directory.js'
import type { ArchiveSource } from './archive-source.js'
import { checkContentTypes, CONTENT_TYPES } from './content-types.js'
import { contentOf } from './entry-content.js'
import { plateMetadata } from './plate-metadata.js'
import { MAX_PICTURE_BYTES, readPlatePicture } from './plate-picture.js'
import { refused } from './refusal.js'
import { readSliceInfo, SLICE_INFO, type PlateInfo } from './slice-info.js'
import { MAX_XML_BYTES } from './xml-reader.js'

/** What a sliced 3MF says about itself. */
export interface ThreeMf {
  metadata: PrintFileMetadata
  /** Of the first plate, or null. */
  thumbnail: ExtractedThumbnail | null
}

export interface ReadThreeMfOptions {
  scans: ScanThread
  /** Gives the reading up. */
  signal?: AbortSignal | undefined
}

const PLATE_GCODE = /^Metadata\/plate_([1-9]\d?)\.gcode$/
const PLATE_PICTURE = /^Metadata\/plate_([1-9]\d?)\.png$/
const MAX_THUMBNAILS = 16

/**
 * Reads a sliced 3MF, as Bambu Studio and OrcaSlicer write it, and proves all of it: every file in it is unpacked once,
 * a chunk at a time, and none of them is kept. What the archive holds besides plates is no matter of ours; an archive in
 * it is bytes like any.
 * @throws GantryError `NOT_3MF` `{ reason }`, `NOT_SLICED`, `NOT_GCODE` `{ reason }` for a plate; what `signal` says
 */
export const readThreeMf = async (source: ArchiveSource, options: ReadThreeMfOptions): Promise<ThreeMf> => {
  const entries = await readArchiveDirectory(source)
  if (!entries.some(({ name }) => name === CONTENT_TYPES)) throw refused('not_3mf', `no ${CONTENT_TYPES}`)
  const plates = entries.flatMap(({ name }) => numberIn(PLATE_GCODE, name) ?? [])
  if (plates.length === 0) throw new GantryError('NOT_SLICED')
  const reading = new Reading(source, Math.min(...plates), options)
  for (const entry of entries) await reading.read(entry)
  return reading.result()
}

/** One walk through the archive. */
class Reading {
  readonly #plates = new Map<number, PrintFileMetadata>()
  #info = new Map<number, PlateInfo>()
  /** Of the first plate: the picture beside its g-code, and the one in it. */
  #picture: ExtractedThumbnail | null = null
  #ownPicture: ExtractedThumbnail | null = null

  constructor(
    private readonly source: ArchiveSource,
    private readonly firstPlate: number,
    private readonly options: ReadThreeMfOptions,
  ) {}

  async read(entry: ArchiveEntry): Promise<void> {
    const { name } = entry
    const plate = numberIn(PLATE_GCODE, name)
    const pictured = numberIn(PLATE_PICTURE, name)
    if (name === CONTENT_TYPES) await checkContentTypes(this.#content(entry, MAX_XML_BYTES))
    else if (name === SLICE_INFO) this.#info = await readSliceInfo(this.#content(entry, MAX_XML_BYTES))
    else if (plate !== null) await this.#scan(entry, plate)
    else if (pictured !== null) await this.#readPicture(entry, pictured)
    else await drain(this.#content(entry))
  }

  result(): ThreeMf {
    const plates = [...this.#plates]
      .toSorted(([one], [other]) => one - other)
      .map(([number, own]) => ({ number, metadata: plateMetadata(own, this.#info.get(number)) }))
    const [first] = plates
    if (first === undefined) throw new GantryError('NOT_SLICED')
    return {
      thumbnail: larger(this.#picture, this.#ownPicture),
      metadata: {
        ...first.metadata,
        thumbnails: [...listed(this.#picture), ...first.metadata.thumbnails].slice(0, MAX_THUMBNAILS),
        plates: plates.map(({ number, metadata: { estimatedPrintSeconds, filamentTotal } }) => ({
          number,
          estimatedPrintSeconds,
          filamentTotal,
        })),
      },
    }
  }

  async #scan(entry: ArchiveEntry, plate: number): Promise<void> {
    const scan = this.options.scans.begin()
    try {
      for await (const chunk of this.#content(entry)) {
        await scan.push(chunk)
        if (scan.refused !== null) throw notGcode(scan.refused)
      }
      const found = await scan.finish()
      if (!found.isGcode) throw notGcode(found.reason)
      this.#plates.set(plate, found.metadata)
      if (plate === this.firstPlate) this.#ownPicture = found.thumbnail
    } finally {
      scan.abandon()
    }
  }

  async #readPicture(entry: ArchiveEntry, plate: number): Promise<void> {
    if (entry.sizeBytes > MAX_PICTURE_BYTES) throw refused('picture', `${entry.name}: ${entry.sizeBytes} bytes`)
    const chunks: Buffer[] = []
    for await (const chunk of this.#content(entry)) chunks.push(chunk)
    const picture = readPlatePicture(Buffer.concat(chunks), entry.name)
    if (plate === this.firstPlate) this.#picture = picture
  }

  async *#content(entry: ArchiveEntry, maxBytes = Infinity): AsyncGenerator<Buffer, void, undefined> {
    if (entry.sizeBytes > maxBytes) throw refused('too_large', entry.name)
    for await (const chunk of contentOf(this.source, entry)) {
      this.options.signal?.throwIfAborted()
      yield chunk
    }
  }
}

/** Reads to the end, which proves size and checksum. */
const drain = async (content: AsyncGenerator<Buffer>): Promise<void> => {
  while ((await content.next()).done !== true);
}

const numberIn = (pattern: RegExp, name: string): number | null => {
  const number = pattern.exec(name)?.[1]
  return number === undefined ? null : Number(number)
}

const listed = (picture: ExtractedThumbnail | null): PrintFileMetadata['thumbnails'] => {
  if (picture === null) return []
  const { widthPx, heightPx, format, sizeBytes } = picture
  return [{ widthPx, heightPx, format, sizeBytes }]
}

const larger = (one: ExtractedThumbnail | null, other: ExtractedThumbnail | null): ExtractedThumbnail | null => {
  if (one === null || other === null) return one ?? other
  return other.widthPx * other.heightPx > one.widthPx * one.heightPx ? other : one
}
