import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { GcodeScanner, type GcodeScan } from './gcode-scanner.js'
import { ScanThread } from './scan-thread.js'

const demo = readFileSync(join(import.meta.dirname, '../fixtures/demo-token.gcode'))
/** Larger than what is read without the thread, and cut where no buffer ends. */
const large = Buffer.concat([demo, Buffer.alloc(3_000_000, 'G1 X123.4 Y5 E.02\n'), demo])

const chunksOf = (content: Buffer, chunkBytes: number): Buffer[] =>
  Array.from({ length: Math.ceil(content.length / chunkBytes) }, (_, index) =>
    content.subarray(index * chunkBytes, (index + 1) * chunkBytes),
  )

const directly = (content: Buffer): GcodeScan => {
  const scanner = new GcodeScanner()
  scanner.push(content)
  return scanner.finish()
}

describe('ScanThread', () => {
  const thread = new ScanThread()
  afterEach(() => thread.close())

  const scan = async (content: Buffer, chunkBytes = 65_536): Promise<GcodeScan> => {
    const scanning = thread.begin()
    for (const chunk of chunksOf(content, chunkBytes)) await scanning.push(chunk)
    return scanning.finish()
  }

  it.each([
    ['a small file', demo],
    ['a large file', large],
    ['a large file that is none', Buffer.alloc(2_000_000, 'hello\n')],
    ['an empty file', Buffer.alloc(0)],
    ['a binary file', Buffer.alloc(2_000_000)],
  ])('finds in %s what the scanner finds', async (_, content) => {
    for (const chunkBytes of [10_007, 2_000_000]) expect(await scan(content, chunkBytes)).toEqual(directly(content))
  })

  it('reads several files at a time without mixing them up', async () => {
    const contents = [large, Buffer.concat([large, Buffer.from('G1 X777 Y777 E99999\n')]), demo, large]
    expect(await Promise.all(contents.map((content) => scan(content)))).toEqual(contents.map(directly))
  })

  it('knows a binary file from its first chunk', async () => {
    const scanning = thread.begin()
    await scanning.push(Buffer.from([0x89, 0x50, 0x4e, 0x47, 0]))
    expect(scanning.refused).toBe('binary')
    scanning.abandon()
  })

  it('reads on after a scan was given up', async () => {
    const abandoned = thread.begin()
    await abandoned.push(large)
    abandoned.abandon()
    abandoned.abandon()
    expect(await scan(large)).toEqual(directly(large))
  })

  it('fails the scans under way when it ends, and starts again for the next', async () => {
    const scanning = thread.begin()
    await scanning.push(large)
    const [result] = await Promise.allSettled([scanning.finish(), thread.close()])
    expect(result).toMatchObject({ status: 'rejected', reason: new Error('The thread that reads g-code was ended.') })
    scanning.abandon()
    expect(await scan(large)).toEqual(directly(large))
  })

  it('ends when nobody needs it, and starts again', async () => {
    const brief = new ScanThread(1)
    for (let round = 0; round < 3; round++) {
      const scanning = brief.begin()
      await scanning.push(large)
      expect(await scanning.finish()).toEqual(directly(large))
    }
    await brief.close()
  })
})
