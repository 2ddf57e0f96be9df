import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { createServer, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { LocalFileStorage } from '../../adapters/file-storage/local-file-storage.js'
import { GantryError } from '../../kernel/errors.js'
import { ScanThread } from './gcode/scan-thread.js'
import { receiveUpload, type ReceivedFile } from './receive-upload.js'

const LIMIT_BYTES = 1_000_000
const AS_GCODE = { format: 'gcode' } as const
const scans = new ScanThread()

let dataDir: string
let storage: LocalFileStorage
let demo: Buffer

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'receive-upload-'))
  storage = new LocalFileStorage({ dataDir, reserveBytes: 0 })
  demo = await readFile(join(import.meta.dirname, 'fixtures/demo-token.gcode'))
})
afterEach(() => rm(dataDir, { recursive: true, force: true }))
afterAll(() => scans.close())

async function storedFiles(): Promise<string[]> {
  const entries = await readdir(dataDir, { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.isFile()).map((entry) => entry.name)
}

const inChunks = (content: Buffer, bytes = 10_000): Readable =>
  Readable.from(
    (function* () {
      for (let at = 0; at < content.length; at += bytes) yield content.subarray(at, at + bytes)
    })(),
    { objectMode: false },
  )

describe('receiveUpload', () => {
  it('hashes, reads and stores a file in one pass', async () => {
    const received = await receiveUpload(inChunks(demo), { ...AS_GCODE, storage, scans, limitBytes: LIMIT_BYTES })
    const sha256 = createHash('sha256').update(demo).digest('hex')
    expect(received).toMatchObject({ sha256, sizeBytes: demo.length, created: true })
    expect(received.metadata).toMatchObject({ estimatedPrintSeconds: 1140, layerCount: 15 })
    expect(received.thumbnail).toMatchObject({ widthPx: 220, format: 'png' })
    expect((await buffer(await storage.open(sha256))).equals(demo)).toBe(true)
  })

  it('stores the same content once', async () => {
    const first = await receiveUpload(inChunks(demo), { ...AS_GCODE, storage, scans, limitBytes: LIMIT_BYTES })
    const second = await receiveUpload(inChunks(demo, 777), { ...AS_GCODE, storage, scans, limitBytes: LIMIT_BYTES })
    expect(second).toEqual({ ...first, created: false })
    expect(await storedFiles()).toEqual([first.sha256])
  })

  it.each<[what: string, content: () => Buffer, options: object, error: object]>([
    [
      'a file over the limit',
      () => demo,
      { limitBytes: 100_000 },
      { code: 'FILE_TOO_LARGE', params: { limitBytes: 100_000 } },
    ],
    ['an announced size over the limit', () => demo, { limitBytes: 10, expectedBytes: 11 }, { code: 'FILE_TOO_LARGE' }],
    ['fewer bytes than announced', () => demo.subarray(0, 5000), { expectedBytes: 6000 }, { code: 'UPLOAD_TRUNCATED' }],
    ['more bytes than announced', () => demo, { expectedBytes: 6000 }, { code: 'UPLOAD_TRUNCATED' }],
    ['an empty file', () => Buffer.alloc(0), {}, { code: 'NOT_GCODE', params: { reason: 'empty' } }],
    ['a binary file', () => Buffer.alloc(500_000), {}, { code: 'NOT_GCODE', params: { reason: 'binary' } }],
    [
      'plain text',
      () => Buffer.from('hello\n'.repeat(9999)),
      {},
      { code: 'NOT_GCODE', params: { reason: 'no_commands' } },
    ],
  ])('refuses %s and keeps nothing', async (_, content, options, error) => {
    const received = receiveUpload(inChunks(content()), {
      ...AS_GCODE,
      storage,
      scans,
      limitBytes: LIMIT_BYTES,
      ...options,
    })
    await expect(received).rejects.toMatchObject(error)
    expect(await storedFiles()).toEqual([])
  })

  it('keeps nothing when the signal gives the upload up while it waits for bytes', async () => {
    const source = new Readable({ read: () => undefined })
    const controller = new AbortController()
    const received = receiveUpload(source, {
      ...AS_GCODE,
      storage,
      scans,
      limitBytes: LIMIT_BYTES,
      signal: controller.signal,
    })
    source.push(demo)
    controller.abort()
    await expect(received).rejects.toMatchObject({ code: 'REQUEST_ABORTED' })
    expect(await storedFiles()).toEqual([])
  })

  it("fails with the signal's own typed reason", async () => {
    const reason = new GantryError('DEADLINE_EXCEEDED')
    const options = { ...AS_GCODE, storage, scans, limitBytes: LIMIT_BYTES, signal: AbortSignal.abort(reason) }
    await expect(receiveUpload(inChunks(demo), options)).rejects.toBe(reason)
  })

  it.each<[what: string, fail: (controller: AbortController) => void]>([
    ['its thread ends', () => void scans.close()],
    ['its signal gives it up', (controller) => controller.abort()],
  ])('keeps nothing of a file that a thread reads when %s', async (_, fail) => {
    const source = new Readable({ read: () => undefined })
    const controller = new AbortController()
    const options = { ...AS_GCODE, storage, scans, limitBytes: 2 * LIMIT_BYTES, signal: controller.signal }
    const received = receiveUpload(source, options)
    received.catch(() => undefined)
    // The second chunk is taken when the first has been read and written.
    source.push(Buffer.alloc(LIMIT_BYTES, 'G1 X1 Y1 E1\n'))
    source.push('G1 X1 Y1 E1\n')
    await expect.poll(() => source.readableLength, { interval: 1 }).toBe(0)
    fail(controller)
    source.push(null)
    await expect(received).rejects.toThrow()
    expect(await storedFiles()).toEqual([])
  })

  it('keeps nothing when the disk is full', async () => {
    const full = new LocalFileStorage({ dataDir, reserveBytes: Number.MAX_SAFE_INTEGER })
    const received = receiveUpload(inChunks(demo), { ...AS_GCODE, storage: full, scans, limitBytes: LIMIT_BYTES })
    await expect(received).rejects.toMatchObject({ code: 'STORAGE_FULL' })
    expect(await storedFiles()).toEqual([])
  })
})

describe('receiveUpload over HTTP', () => {
  let server: Server
  let outcome: Promise<ReceivedFile | GantryError>

  beforeEach(async () => {
    outcome = new Promise((resolve) => {
      server = createServer((req, res) => {
        receiveUpload(req, { ...AS_GCODE, storage, scans, limitBytes: LIMIT_BYTES }).then(
          (received) => {
            res.end(received.sha256)
            resolve(received)
          },
          (error: unknown) => {
            if (!(error instanceof GantryError)) throw error
            res.writeHead(422, { connection: 'close' }).end(error.code)
            resolve(error)
          },
        )
      })
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
  })
  afterEach(() => {
    server.closeAllConnections()
    server.close()
  })

  const put = (contentLength: number) => {
    const { port } = server.address() as AddressInfo
    return request({ host: '127.0.0.1', port, method: 'PUT', headers: { 'content-length': contentLength } })
  }

  it('keeps nothing when the client vanishes', async () => {
    const upload = put(demo.length)
    upload.on('error', () => undefined)
    upload.write(demo.subarray(0, 100_000), () => upload.destroy())
    expect(await outcome).toMatchObject({ code: 'UPLOAD_TRUNCATED' })
    expect(await storedFiles()).toEqual([])
  })

  it('leaves the connection open for the answer to a refused file', async () => {
    const upload = put(500_000)
    upload.write(Buffer.alloc(200_000))
    const [response] = (await once(upload, 'response')) as [Readable & { statusCode: number }]
    expect(response.statusCode).toBe(422)
    expect((await buffer(response)).toString()).toBe('NOT_GCODE')
    upload.destroy()
  })
})
