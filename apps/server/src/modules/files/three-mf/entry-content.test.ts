import { crc32, deflateRawSync } from 'node:zlib'

import { expect, it } from 'vitest'

import { contentOf } from './entry-content.js'

const CONTENT = Buffer.alloc(20_000_000)
const PACKED = deflateRawSync(CONTENT)

/** What comes before the end or the refusal, in bytes. */
const unpacked = async (sizeBytes: number, packed = PACKED) => {
  const place = { name: 'a', isDeflated: true, crc32: crc32(CONTENT), dataAt: 0, compressedBytes: packed.length }
  const read = (at: number, length: number) => Promise.resolve(packed.subarray(at, at + length))
  const seen = { bytes: 0, refused: false }
  try {
    for await (const chunk of contentOf({ sizeBytes: packed.length, read }, { ...place, sizeBytes }))
      seen.bytes += chunk.length
  } catch (error) {
    expect(error).toMatchObject({ code: 'NOT_3MF', params: { reason: 'malformed' } })
    seen.refused = true
  }
  return seen
}

it('a file is unpacked whole when it is what it says', async () => {
  expect(await unpacked(CONTENT.length)).toEqual({ bytes: CONTENT.length, refused: false })
})

it('a file that is larger than it says is given up there, and not at its end', async () => {
  const { bytes, refused } = await unpacked(100_000)
  expect(refused).toBe(true)
  expect(bytes).toBeLessThanOrEqual(100_000)
})

it('a file with something behind its end is refused', async () => {
  const packed = Buffer.concat([PACKED, Buffer.alloc(500, 7)])
  expect(await unpacked(CONTENT.length, packed)).toMatchObject({ refused: true })
})
