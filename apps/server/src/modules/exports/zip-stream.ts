import { constants, crc32, deflateRawSync } from 'node:zlib'

import { GantryError } from '../../kernel/index.js'

/** Sizes and places are written in 32 bits. */
const MAX_BYTES = 0xffff_ffff

const VERSION = 20
/** Checksum and sizes come behind the content; names are UTF-8. */
const FLAGS = 0x0808
const DEFLATED = 8
/** 1 January 1980: the format can say nothing earlier, and nothing is told by it. */
const NO_DAY = 0x0021

/** Each piece ends on a byte and needs none of the earlier ones, so that nothing of them is kept. */
const deflated = (piece: Buffer): Buffer => deflateRawSync(piece, { finishFlush: constants.Z_SYNC_FLUSH })
const END_OF_CONTENT = deflateRawSync(Buffer.alloc(0))

interface Entry {
  name: Buffer
  offset: number
  crc: number
  compressedBytes: number
  bytes: number
}

const numbers = (...fields: [value: number, bytes: 2 | 4][]): Buffer => {
  const buffer = Buffer.alloc(fields.reduce((sum, [, bytes]) => sum + bytes, 0))
  let at = 0
  for (const [value, bytes] of fields) at = buffer.writeUIntLE(value, at, bytes)
  return buffer
}

/** A ZIP archive that is written from its beginning to its end, in the memory of one piece (APPNOTE.TXT 6.3). */
export class ZipStream {
  private readonly entries: Entry[] = []
  private current: Entry | null = null
  private position = 0

  beginFile(name: string): Buffer {
    const entry = { name: Buffer.from(name), offset: this.position, crc: 0, compressedBytes: 0, bytes: 0 }
    this.entries.push(entry)
    this.current = entry
    const head = numbers([0x0403_4b50, 4], [VERSION, 2], [FLAGS, 2], [DEFLATED, 2], [0, 2], [NO_DAY, 2])
    return this.passed(
      Buffer.concat([head, numbers([0, 4], [0, 4], [0, 4], [entry.name.length, 2], [0, 2]), entry.name]),
    )
  }

  /** @throws GantryError `FILE_TOO_LARGE` */
  content(piece: Buffer): Buffer {
    const entry = this.open
    entry.crc = crc32(piece, entry.crc)
    entry.bytes += piece.length
    return this.compressed(deflated(piece))
  }

  endFile(): Buffer {
    const entry = this.open
    const end = this.compressed(END_OF_CONTENT)
    this.current = null
    return Buffer.concat([end, this.passed(Buffer.concat([numbers([0x0807_4b50, 4]), sizesOf(entry)]))])
  }

  close(): Buffer {
    const directory = Buffer.concat(this.entries.map(directoryEntry))
    const count = this.entries.length
    const end = numbers([0x0605_4b50, 4], [0, 2], [0, 2], [count, 2], [count, 2])
    return Buffer.concat([directory, end, numbers([directory.length, 4], [this.position, 4], [0, 2])])
  }

  private get open(): Entry {
    if (this.current === null) throw new Error('no file of the archive has begun')
    return this.current
  }

  private compressed(bytes: Buffer): Buffer {
    this.open.compressedBytes += bytes.length
    return this.passed(bytes)
  }

  private passed(bytes: Buffer): Buffer {
    this.position += bytes.length
    if (this.position > MAX_BYTES || (this.current?.bytes ?? 0) > MAX_BYTES) {
      throw new GantryError('FILE_TOO_LARGE', { params: { limitBytes: MAX_BYTES } })
    }
    return bytes
  }
}

const sizesOf = ({ crc, compressedBytes, bytes }: Entry): Buffer => numbers([crc, 4], [compressedBytes, 4], [bytes, 4])

const directoryEntry = (entry: Entry): Buffer => {
  const head = numbers([0x0201_4b50, 4], [VERSION, 2], [VERSION, 2], [FLAGS, 2], [DEFLATED, 2], [0, 2], [NO_DAY, 2])
  const rest = numbers([entry.name.length, 2], [0, 2], [0, 2], [0, 2], [0, 2], [0, 4], [entry.offset, 4])
  return Buffer.concat([head, sizesOf(entry), rest, entry.name])
}
