import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'

import type { UploadInput, UploadProgress } from '@gantry/client'
import { fileAt } from '@gantry/client/node'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'

import { failureOf, startSdkBench, type SdkBench } from './sdk-bench.js'
import { NodeXhr } from './node-xhr.js'

let bench: SdkBench
let folder: string
beforeAll(async () => {
  bench = await startSdkBench({ MAX_UPLOAD_BYTES: '20000000' })
  folder = await mkdtemp(join(tmpdir(), 'gantry-sdk-'))
})
afterAll(async () => {
  await bench[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})
beforeEach(() => {
  bench.proxy.seen.length = 0
  bench.proxy.fault = () => 'pass'
})
afterEach(() => {
  vi.unstubAllGlobals()
})

/** G-code of about this size that nobody uploaded before. */
const gcode = (bytes: number): Uint8Array<ArrayBuffer> => {
  const line = `G1 X10 Y10 E0.1 ; ${randomBytes(12).toString('hex')}\n`
  return new TextEncoder().encode(`G28\n${line.repeat(Math.ceil(bytes / line.length))}`)
}

async function* inPieces(content: Uint8Array, pauseMs = 0): AsyncGenerator<Uint8Array, void, void> {
  for (let at = 0; at < content.length; at += 65_536) {
    if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs))
    yield content.subarray(at, at + 65_536)
  }
}

const onDisk = async (content: Uint8Array) => {
  const path = join(folder, `${randomBytes(4).toString('hex')}.gcode`)
  await writeFile(path, content)
  return fileAt(path)
}

describe('an upload', () => {
  it.each<[string, (content: Uint8Array<ArrayBuffer>) => UploadInput | Promise<UploadInput>]>([
    ['a Blob', (content) => new Blob([content])],
    ['bytes', (content) => content],
    ['a web stream', (content) => new Blob([content]).stream() as ReadableStream<Uint8Array>],
    ['a stream of Node', (content) => Readable.from(inPieces(content)) as AsyncIterable<Uint8Array>],
    ['a file on disk', onDisk],
  ])('takes %s and gives the same bytes back', async (_what, inputOf) => {
    const gantry = await bench.loggedIn()
    const content = gcode(500_000)
    const progress: UploadProgress[] = []
    const file = await gantry.files.upload(await inputOf(content), {
      name: 'Würfel & Kugel.gcode',
      onProgress: (step) => progress.push(step),
    })
    expect(file).toMatchObject({ name: 'Würfel & Kugel.gcode', latest: { sizeBytes: content.length } })
    expect([file.createdAt, file.updatedAt, file.latest.createdAt].every((at) => at instanceof Date)).toBe(true)
    expect(progress.at(-1)?.sentBytes).toBe(content.length)
    expect(progress.length).toBeGreaterThan(1)
    expect(file).toEqual(await gantry.files.get({ id: file.id }))

    const download = await gantry.files.download(file.id)
    expect(download).toMatchObject({ name: 'Würfel & Kugel.gcode', sizeBytes: content.length })
    expect(Buffer.compare(await download.bytes(), content)).toBe(0)
  })

  it('tells how far it is when the size is known', async () => {
    const gantry = await bench.loggedIn()
    const content = gcode(400_000)
    const steps: (number | null)[] = []
    const onProgress = ({ progress }: UploadProgress) => steps.push(progress)
    await gantry.files.upload(inPieces(content), { name: 'a.gcode', contentLength: content.length, onProgress })
    expect(steps.at(-1)).toBe(1)
    expect([...steps].sort((a, b) => (a ?? 0) - (b ?? 0))).toEqual(steps)
  })

  it('that is aborted half-way ends at once and leaves nothing behind', async () => {
    const gantry = await bench.loggedIn()
    const kept = await bench.app.kept()
    const leave = new AbortController()
    const abort = ({ sentBytes }: UploadProgress) => {
      if (sentBytes > 300_000) leave.abort()
    }
    const upload = gantry.files.upload(inPieces(gcode(5_000_000), 2), {
      ...{ name: 'aborted.gcode', signal: leave.signal, onProgress: abort },
    })
    expect(await failureOf(upload)).toMatchObject({ code: 'ABORTED' })
    await expect.poll(() => bench.app.kept()).toEqual(kept)
  })

  it('that stands still is given up', async () => {
    const gantry = await bench.loggedIn({ stallTimeoutMs: 150 })
    async function* stalling(): AsyncGenerator<Uint8Array, void, void> {
      yield gcode(1_000)
      await new Promise(() => undefined)
    }
    expect(await failureOf(gantry.files.upload(stalling(), { name: 'stalled.gcode' }))).toMatchObject({
      code: 'TIMEOUT',
    })
  })

  it('is refused by its reason', async () => {
    const gantry = await bench.loggedIn()
    const refused = (input: UploadInput, name?: string) =>
      failureOf(gantry.files.upload(input, name === undefined ? {} : { name }))
    expect(await refused(new Blob(['%PDF-1.7']), 'a.gcode')).toMatchObject({ code: 'NOT_GCODE', status: 422 })
    // Past the proxy: node:http in between breaks the connection as soon as it has answered.
    const direct = await bench.loggedIn({ url: bench.app.url })
    const tooLarge = direct.files.upload(gcode(21_000_000), { name: 'large.gcode' })
    expect(await failureOf(tooLarge)).toMatchObject({ code: 'FILE_TOO_LARGE' })
    expect(await refused(gcode(10), 'a.exe')).toMatchObject({ code: 'VALIDATION_FAILED' })
    expect(await refused(gcode(10))).toMatchObject({ code: 'VALIDATION_FAILED', fields: { name: ['must be given'] } })
    async function* broken(): AsyncGenerator<Uint8Array, void, void> {
      yield gcode(100_000)
      throw await Promise.resolve(new Error('the disk is gone'))
    }
    expect(await refused(broken(), 'broken.gcode')).toMatchObject({
      ...{ code: 'SOURCE_FAILED', cause: expect.objectContaining({ message: 'the disk is gone' }) as Error },
    })
    await expect(fileAt(join(folder, 'missing.gcode'))).rejects.toMatchObject({ code: 'SOURCE_FAILED' })
  })
})

describe('an upload in a browser', () => {
  it('goes by XMLHttpRequest, with progress', async () => {
    vi.stubGlobal('XMLHttpRequest', NodeXhr)
    const gantry = await bench.loggedIn()
    const content = gcode(300_000)
    const sent: number[] = []
    const file = await gantry.files.upload(new File([content], 'browser.gcode'), {
      onProgress: ({ sentBytes }) => sent.push(sentBytes),
    })
    expect([file.name, file.latest.sizeBytes, sent.at(-1)]).toEqual(['browser.gcode', content.length, content.length])
    expect(await failureOf(gantry.files.upload(new Blob(['%PDF']), { name: 'a.gcode' }))).toMatchObject({
      ...{ code: 'NOT_GCODE', status: 422 },
    })
  })

  it('that is aborted, or whose connection breaks, says so', async () => {
    vi.stubGlobal('XMLHttpRequest', NodeXhr)
    const gantry = await bench.loggedIn()
    bench.proxy.fault = () => 'hold'
    const leave = new AbortController()
    const aborted = failureOf(gantry.files.upload(new Blob([gcode(10)]), { name: 'a.gcode', signal: leave.signal }))
    await expect.poll(() => bench.proxy.seen.length).toBe(1)
    leave.abort()
    expect(await aborted).toMatchObject({ code: 'ABORTED' })
    const broken = failureOf(gantry.files.upload(new Blob([gcode(10)]), { name: 'a.gcode' }))
    await expect.poll(() => bench.proxy.seen.length).toBe(2)
    bench.proxy.cut()
    expect(await broken).toMatchObject({ code: 'NETWORK' })
  })
})

describe('a download', () => {
  it('of something unknown is NOT_FOUND, and one whose connection breaks is NETWORK', async () => {
    const gantry = await bench.loggedIn()
    const missing = 'fil_01990000-0000-7000-8000-000000000000'
    expect(await failureOf(gantry.files.download(missing))).toMatchObject({ code: 'NOT_FOUND', status: 404 })
    expect(gantry.files.contentUrl(missing)).toBe(`${bench.proxy.url}/api/files/${missing}/content`)
    const { id } = await gantry.files.upload(gcode(15_000_000), { name: 'long.gcode' })
    expect(await failureOf(gantry.files.thumbnail(id))).toMatchObject({ code: 'NOT_FOUND' })
    const { body } = await gantry.files.download(id)
    const reader = body.getReader()
    await reader.read()
    bench.proxy.cut()
    const rest = async () => {
      while (!(await reader.read()).done);
    }
    expect(await failureOf(rest())).toMatchObject({ code: 'NETWORK' })
  })
})
