import { randomBytes } from 'node:crypto'
import { crc32, deflateRawSync } from 'node:zlib'

import { describe, expect, it } from 'vitest'

import { CorruptValueError, openEnvelope, seal, unpackedPayload } from './envelope.js'
import { prepare, valueOf } from './prepared-value.js'

const OPTIONS = {
  ...{ madeAtMs: 1_700_000_000_000, freshMs: 60_000, hardMs: 90_000, compressOverBytes: 1_024 },
  generations: [
    ['*', 'AAAA'],
    ['print_job', 'BBBB'],
  ],
} as const

const sealed = async (value: unknown) => (await seal(prepare(value)!, OPTIONS)).bytes

const opened = async (bytes: Buffer) => {
  const envelope = openEnvelope(bytes)
  return valueOf(envelope.kind, await unpackedPayload(envelope))
}

/** With a checksum that fits, as only a faulty writer would leave it. */
const checked = (bytes: Buffer): Buffer => {
  bytes.writeUInt32BE(crc32(bytes.subarray(8)), 4)
  return bytes
}

describe('the stored form', () => {
  it.each([
    ['small JSON', { a: [1, null, 'ü'] }],
    ['large JSON', Array.from({ length: 500 }, (_, n) => ({ n, text: 'again and again' }))],
    ['a text', 'ü'.repeat(3_000)],
    ['bytes that shrink', Buffer.alloc(10_000, 7)],
    ['bytes that do not', randomBytes(5_000)],
    ['much text', 'abc'.repeat(300_000)],
  ])('gives back %s', async (_what, value) => {
    expect(await opened(await sealed(value))).toEqual(value)
  })

  it('tells its times and tags', async () => {
    const { madeAtMs, freshMs, hardMs, generations } = openEnvelope(await sealed('x'))
    expect({ madeAtMs, freshMs, hardMs }).toEqual({ madeAtMs: 1_700_000_000_000, freshMs: 60_000, hardMs: 90_000 })
    expect(generations).toEqual(OPTIONS.generations)
  })

  it('names its own tags, whatever was opened before, and an unheard-of one when it has none', async () => {
    const payload = prepare('x')!
    const tagged = (generations: readonly (readonly [string, string])[]) => seal(payload, { ...OPTIONS, generations })
    const [some, others, none] = [[['*', 'A']], [['*', 'B']], []] as const
    for (const generations of [none, some, others, some, none] as const) {
      const { bytes } = await tagged(generations)
      expect(openEnvelope(bytes).generations).toEqual(generations.length === 0 ? [['', '']] : generations)
    }
  })

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['a text', Buffer.from('OK')],
    ['noise', randomBytes(500)],
    ['zeros', Buffer.alloc(500)],
  ])('is told from %s', (_what, bytes) => {
    expect(() => openEnvelope(bytes)).toThrow(CorruptValueError)
  })

  it('is told from what is cut short or changed in any place', async () => {
    const whole = await sealed({ text: 'again and again '.repeat(100) })
    for (let at = 0; at < whole.length; at += 1) {
      expect(() => openEnvelope(whole.subarray(0, at))).toThrow(CorruptValueError)
      const changed = Buffer.from(whole)
      changed.writeUInt8(changed.readUInt8(at) ^ 0x10, at)
      expect(() => openEnvelope(changed)).toThrow(CorruptValueError)
    }
  })

  it('is never unpacked beyond the length that it tells', async () => {
    const bomb = deflateRawSync(Buffer.alloc(50_000_000))
    const head = (await sealed('x'.repeat(2_000))).subarray(0, 32 + OPTIONS.generations.flat().join('\t\n').length)
    for (const told of [2_000, 10_000_000]) {
      const bytes = Buffer.concat([head, bomb])
      bytes.writeUInt32BE(told, 24)
      await expect(opened(checked(bytes))).rejects.toThrow(CorruptValueError)
    }
    const boast = Buffer.concat([head, bomb])
    boast.writeUInt32BE(50_000_000, 24)
    expect(() => openEnvelope(checked(boast))).toThrow(CorruptValueError)
  })
})
