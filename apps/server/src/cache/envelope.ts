import { constants, crc32, deflateRaw, inflateRaw, inflateRawSync, type ZlibOptions } from 'node:zlib'
import { promisify } from 'node:util'

import { MAX_TAGS, MAX_VALUE_BYTES, type Lifetime } from './limits.js'
import type { PreparedValue, ValueKind } from './prepared-value.js'
import type { TagGeneration } from './tag-table.js'

/*
 * How a value lies in Redis. All numbers are big-endian.
 *
 *    0  2 bytes   'GC'
 *    2  1 byte    the version of this form
 *    3  1 byte    the kind of value; +8 when the payload is compressed
 *    4  uint32    CRC-32 of everything behind it
 *    8  double    when the value was made, in milliseconds since 1970
 *   16  uint32    milliseconds for which it is fresh
 *   20  uint32    milliseconds after that for which `swr` may use it
 *   24  uint32    length of the payload once it is unpacked
 *   28  uint32    length of the tags
 *   32  tags      `tag TAB generation` in lines
 *       payload
 */
const MAGIC = 0x4743
const VERSION = 1
const COMPRESSED = 8
const CRC_FROM = 8
const HEAD_BYTES = 32

const KINDS: readonly ValueKind[] = ['json', 'text', 'bytes']

/** Unpacking up to this size takes less time than handing it to another thread. */
const UNPACKED_IN_PLACE_BYTES = 256 * 1024

/** A little packing at little cost: what is stored is read many times, but also made anew many times. */
const PACKING: ZlibOptions = { level: 3, strategy: constants.Z_DEFAULT_STRATEGY }

const pack = promisify<Buffer, ZlibOptions, Buffer>(deflateRaw)
const unpack = promisify<Buffer, ZlibOptions, Buffer>(inflateRaw)

export interface Envelope extends Lifetime {
  kind: ValueKind
  compressed: boolean
  madeAtMs: number
  unpackedBytes: number
  generations: readonly TagGeneration[]
  packed: Buffer
}

/** What was found is not ours, or not whole. */
export class CorruptValueError extends Error {
  override readonly name = 'CorruptValueError'
}

export interface SealOptions extends Lifetime {
  madeAtMs: number
  generations: readonly TagGeneration[]
  /** Payloads larger than this are compressed, if that makes them smaller. */
  compressOverBytes: number
}

/** @returns the stored form, and how many bytes compression has saved */
export const seal = async (
  prepared: PreparedValue,
  options: SealOptions,
): Promise<{ bytes: Buffer; saved: number }> => {
  const { payload, kind } = prepared
  const smaller = payload.length > options.compressOverBytes ? await pack(payload, PACKING) : payload
  const compressed = smaller.length < payload.length
  const body = compressed ? smaller : payload
  const tags = Buffer.from(options.generations.map(([tag, generation]) => `${tag}\t${generation}`).join('\n'))
  const bytes = Buffer.allocUnsafe(HEAD_BYTES + tags.length + body.length)
  bytes.writeUInt16BE(MAGIC, 0)
  bytes.writeUInt8(VERSION, 2)
  bytes.writeUInt8(KINDS.indexOf(kind) + (compressed ? COMPRESSED : 0), 3)
  bytes.writeDoubleBE(options.madeAtMs, 8)
  bytes.writeUInt32BE(options.freshMs, 16)
  bytes.writeUInt32BE(options.hardMs - options.freshMs, 20)
  bytes.writeUInt32BE(payload.length, 24)
  bytes.writeUInt32BE(tags.length, 28)
  tags.copy(bytes, HEAD_BYTES)
  body.copy(bytes, HEAD_BYTES + tags.length)
  bytes.writeUInt32BE(crc32(bytes.subarray(CRC_FROM)), 4)
  return { bytes, saved: payload.length - body.length }
}

/** Reads everything but the payload. @throws CorruptValueError */
export const openEnvelope = (bytes: Buffer): Envelope => {
  if (bytes.length < HEAD_BYTES || bytes.readUInt16BE(0) !== MAGIC) throw new CorruptValueError('not a value of ours')
  if (bytes.readUInt8(2) !== VERSION) throw new CorruptValueError('a value of another version')
  if (crc32(bytes.subarray(CRC_FROM)) !== bytes.readUInt32BE(4)) throw new CorruptValueError('the checksum is wrong')
  const flags = bytes.readUInt8(3)
  const kind = KINDS[flags & ~COMPRESSED]
  const unpackedBytes = bytes.readUInt32BE(24)
  const bodyAt = HEAD_BYTES + bytes.readUInt32BE(28)
  if (kind === undefined || unpackedBytes > MAX_VALUE_BYTES || bodyAt > bytes.length)
    throw new CorruptValueError('the head makes no sense')
  const freshMs = bytes.readUInt32BE(16)
  return {
    kind,
    unpackedBytes,
    freshMs,
    compressed: (flags & COMPRESSED) !== 0,
    madeAtMs: bytes.readDoubleBE(8),
    hardMs: freshMs + bytes.readUInt32BE(20),
    generations: tagsIn(bytes.subarray(HEAD_BYTES, bodyAt)),
    packed: bytes.subarray(bodyAt),
  }
}

const parseTags = (text: string): TagGeneration[] => {
  const lines = text.split('\n', MAX_TAGS + 2)
  // One more than callers may give: the tag that every value has.
  if (lines.length > MAX_TAGS + 1) throw new CorruptValueError('too many tags')
  return lines.map((line) => {
    const [tag = '', generation = ''] = line.split('\t', 2)
    return [tag, generation]
  })
}

let lastTags = { bytes: Buffer.alloc(0), generations: parseTags('') }

/** Values that are read together mostly carry the same tags, which are then read once. */
const tagsIn = (bytes: Buffer): readonly TagGeneration[] => {
  // A copy: the bytes are part of whatever came with them over the network.
  if (!bytes.equals(lastTags.bytes)) lastTags = { bytes: Buffer.from(bytes), generations: parseTags(bytes.toString()) }
  return lastTags.generations
}

/**
 * The payload; never more of it than the head says. Only what is large has to be waited for.
 * @throws CorruptValueError
 */
export const unpackedPayload = (envelope: Envelope): Buffer | Promise<Buffer> => {
  const { packed, compressed, unpackedBytes } = envelope
  if (!compressed) return ofLength(packed, unpackedBytes)
  // One piece of memory for all of it, and a little more, so that the end is found in it.
  const options = {
    maxOutputLength: Math.max(1, unpackedBytes),
    chunkSize: Math.max(constants.Z_MIN_CHUNK, unpackedBytes + 1),
  }
  if (unpackedBytes > UNPACKED_IN_PLACE_BYTES) return unpackedBehind(packed, unpackedBytes, options)
  try {
    return ofLength(inflateRawSync(packed, options), unpackedBytes)
  } catch (cause) {
    throw unpackable(cause)
  }
}

const unpackedBehind = async (packed: Buffer, bytes: number, options: ZlibOptions): Promise<Buffer> => {
  try {
    return ofLength(await unpack(packed, options), bytes)
  } catch (cause) {
    throw unpackable(cause)
  }
}

const ofLength = (payload: Buffer, bytes: number): Buffer => {
  if (payload.length !== bytes) throw new CorruptValueError('the payload has another length')
  return payload
}

const unpackable = (cause: unknown): CorruptValueError =>
  cause instanceof CorruptValueError ? cause : new CorruptValueError('the payload cannot be unpacked', { cause })
