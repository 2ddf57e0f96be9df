import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'

import { describe, expect, it } from 'vitest'

import { LocalFileStorage } from '../../adapters/file-storage/local-file-storage.js'
import { PrismaFileRepository } from '../../db/files.repository.js'
import { createUnitOfWork } from '../../db/unit-of-work.js'
import { inRole, listsOfPrimary, newId, onPrimary, systemClock, type Actor } from '../../kernel/index.js'
import { openTestDatabase, silentHook } from '../../testing/open-database.js'
import { createFileProcessingHandler } from './file-processing.handler.js'
import { FilesService, type UploadRequest } from './files.service.js'
import { ScanThread } from './gcode/scan-thread.js'
import { UPLOADS_AT_ONCE } from './uploads-under-way.js'

const fixture = (name: string) => readFile(new URL(`fixtures/${name}`, import.meta.url))
const ada: Actor = {
  kind: 'user',
  id: newId('user'),
  ...inRole('operator'),
  sessionId: null,
  apiKeyId: null,
  scope: { printerGroups: 'all', projects: 'all' },
}

const open = async (quotaBytes = 1_000_000_000) => {
  const database = await openTestDatabase({ poolSize: 8 })
  const { prisma, log } = database
  const dataDir = await mkdtemp(join(tmpdir(), 'gantry-files-'))
  const unitOfWork = createUnitOfWork({
    prisma,
    repositoriesFor: (tx) => ({ files: new PrismaFileRepository(tx) }),
    hook: silentHook,
  })
  const storage = new LocalFileStorage({ dataDir, reserveBytes: 0 })
  const reads = onPrimary({ files: new PrismaFileRepository(prisma) })
  const scans = new ScanThread()
  const files = new FilesService({
    ...{ unitOfWork, reads, lists: listsOfPrimary(reads) },
    ...{ storage, scans, limitBytes: 5_000_000, quotaBytes, clock: systemClock, log },
  })
  const request = (name: string, content: Buffer, more: Partial<UploadRequest> = {}): UploadRequest => ({
    name,
    source: Readable.from([content]),
    contentLength: content.length,
    ...more,
  })
  const uploadAs = (actor: Actor, upload: UploadRequest, signal = new AbortController().signal) =>
    files.upload(actor, () => Promise.resolve(upload), signal)
  return {
    prisma,
    storage,
    files,
    request,
    uploadAs,
    upload: (name: string, content: Buffer, more?: Partial<UploadRequest>, signal?: AbortSignal) =>
      uploadAs(ada, request(name, content, more), signal),
    /** Does what removals have ordered. */
    process: async () => {
      const handler = createFileProcessingHandler({ unitOfWork, reads, storage, clock: systemClock, log })
      const { signal } = new AbortController()
      for (const { id: jobId, payload } of await prisma.outbox.findMany({ where: { type: 'FILE_PROCESSING' } }))
        await handler.handle({ ...{ jobId, attempt: 1, attempts: 5, signal }, payload })
    },
    /** How many contents lie on the disk, half received ones included. */
    stored: async () => {
      const entries = await readdir(dataDir, { recursive: true, withFileTypes: true })
      return entries.filter((entry) => entry.isFile()).length
    },
    [Symbol.asyncDispose]: async () => {
      await scans.close()
      await database[Symbol.asyncDispose]()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

const orderPrint = (prisma: Awaited<ReturnType<typeof open>>['prisma'], fileVersionId: string) =>
  prisma.printJob.create({
    data: { id: newId('printJob'), name: 'job', fileVersionId, copies: 1, queuedCopies: 1, requirements: {} },
  })

describe('uploading', () => {
  it('keeps content, picture and what the file says of itself, and tells it', async () => {
    await using bench = await open()
    const { files, prisma, upload, stored } = bench
    const content = await fixture('prusa-two-tools.gcode')
    const file = await upload('  Bracket.gcode ', content)
    expect(file).toMatchObject({ name: 'Bracket.gcode', version: 1, latest: { number: 1, sizeBytes: content.length } })
    expect(file.latest.metadata.slicer?.name).toBe('PrusaSlicer')
    expect(file.latest.hasThumbnail).toBe(true)
    expect(await stored()).toBe(2)
    expect(await files.get(ada, file.id)).toEqual(file)
    expect(await files.list(ada, { limit: 10, cursor: null })).toEqual({ items: [file], nextCursor: null })

    const whole = await files.openContent(ada, file.id)
    expect(whole).toMatchObject({ name: 'Bracket.gcode', sizeBytes: content.length })
    expect(await buffer(whole.source)).toEqual(content)
    const part = await files.openContent(ada, file.latest.id, { start: 10, end: 19 })
    expect(part.sizeBytes).toBe(10)
    expect(await buffer(part.source)).toEqual(content.subarray(10, 20))
    const picture = await files.openThumbnail(ada, file.id)
    expect(picture.contentType).toBe('image/png')
    expect((await buffer(picture.source)).subarray(1, 4).toString()).toBe('PNG')

    const payload = { fileId: file.id, fileVersionId: file.latest.id }
    expect(await prisma.event.findMany()).toMatchObject([{ type: 'file.created', subjectId: file.id, payload }])
  })

  it('under the same name, however written, makes a new version; the same content again makes none', async () => {
    await using bench = await open()
    const { files, prisma, upload } = bench
    const first = await upload('part.gcode', await fixture('cura-cube.gcode'))
    const again = await upload('PART.gcode', await fixture('cura-cube.gcode'))
    expect(again).toEqual(first)
    const second = await upload('Part.GCODE', await fixture('superslicer-asa.gcode'))
    expect(second).toMatchObject({ id: first.id, name: 'part.gcode', version: 2, latest: { number: 2 } })
    expect((await files.versions(ada, first.id)).map(({ number }) => number)).toEqual([2, 1])
    expect(await prisma.event.count()).toBe(2)
  })

  it('of many files under one name at once makes one file with as many versions', async () => {
    await using bench = await open()
    const { files, upload } = bench
    const cube = await fixture('cura-cube.gcode')
    const contents = [1, 2, 3, 4].map((n) => Buffer.concat([cube, Buffer.from(`; ${n}\n`)]))
    const uploaded = await Promise.all(contents.map((content) => upload('same.gcode', content)))
    expect(new Set(uploaded.map(({ id }) => id)).size).toBe(1)
    const versions = await files.versions(ada, uploaded[0]!.id)
    expect(versions.map(({ number }) => number)).toEqual([4, 3, 2, 1])
  })

  it('answers a repeated request like the first', async () => {
    await using bench = await open()
    const cube = await fixture('cura-cube.gcode')
    const idempotencyKey = 'upload-key-1'
    const first = await bench.upload('cube.gcode', cube, { idempotencyKey })
    expect(await bench.upload('cube.gcode', cube, { idempotencyKey })).toEqual(first)
    await expect(bench.upload('other.gcode', cube, { idempotencyKey })).rejects.toMatchObject({
      code: 'IDEMPOTENCY_KEY_REUSED',
    })
    expect(await bench.stored()).toBe(first.latest.hasThumbnail ? 2 : 1)
  })

  it('of no g-code, too few bytes, too many bytes or a given-up upload leaves nothing', async () => {
    await using bench = await open()
    const { prisma, request, upload, stored } = bench
    const cube = await fixture('cura-cube.gcode')
    const refused = async (trying: Promise<unknown>, code: string) => {
      await expect(trying).rejects.toMatchObject({ code })
      expect(await stored()).toBe(0)
    }
    await refused(upload('a.gcode', Buffer.from('%PDF-1.7\n'.repeat(100))), 'NOT_GCODE')
    await refused(upload('a.gcode', cube, { contentLength: cube.length + 1 }), 'UPLOAD_TRUNCATED')
    await refused(upload('a.gcode', cube, { contentLength: 5_000_001 }), 'FILE_TOO_LARGE')
    await refused(upload('a.gcode', cube, {}, AbortSignal.abort()), 'REQUEST_ABORTED')
    const viewer: Actor = { ...ada, ...inRole('viewer') }
    await refused(bench.uploadAs(viewer, request('a.gcode', cube)), 'FORBIDDEN')
    expect([await prisma.printFile.count(), await prisma.fileVersion.count()]).toEqual([0, 0])
  })

  it('refuses a bad name before anything is read, and says that it is the name', async () => {
    await using bench = await open()
    const names = ['part.stl', '../part.gcode', 'a\u0000.gcode', `${'x'.repeat(200)}.gcode`, ' ']
    for (const name of names) {
      const trying = bench.upload(name, Buffer.from('G1'))
      await expect(trying).rejects.toMatchObject({
        code: 'VALIDATION_FAILED',
        fields: { name: expect.arrayContaining([expect.any(String)]) as string[] },
      })
    }
    expect(await bench.stored()).toBe(0)
  })

  it('that the database refuses leaves no content, but never takes away what another file needs', async () => {
    await using bench = await open()
    const { prisma, upload, stored } = bench
    await upload('kept.gcode', await fixture('cura-cube.gcode'))
    const before = await stored()
    await prisma.$executeRaw`alter table file_version add constraint broken check (number < 1) not valid`
    await expect(upload('b.gcode', await fixture('cura-cube.gcode'))).rejects.toThrow()
    await expect(upload('b.gcode', await fixture('prusa-two-tools.gcode'))).rejects.toThrow()
    expect(await stored()).toBe(before)
  })
})

describe('what one user keeps', () => {
  const LIMIT = 60_000
  const ofSize = (bytes: number, n = 0) => Buffer.from(`G28\nG1 X1 E1 ; ${n}\n`.padEnd(bytes, '\n'))

  it('is refused beyond the quota before it is read, and fits again when something was removed', async () => {
    await using bench = await open(LIMIT)
    const { files, upload, stored } = bench
    const first = await upload('first.gcode', ofSize(40_000))
    const refused = { code: 'QUOTA_EXCEEDED', params: { limitBytes: LIMIT } }
    await expect(upload('second.gcode', ofSize(40_000, 2))).rejects.toMatchObject(refused)
    expect(await stored()).toBe(1)
    await expect(upload('small.gcode', ofSize(20_000, 3))).resolves.toMatchObject({ name: 'small.gcode' })
    await files.remove(ada, first.id)
    await expect(upload('second.gcode', ofSize(40_000, 2))).resolves.toMatchObject({ name: 'second.gcode' })
  })

  it('is refused beyond the quota when only its end tells its size, and several at once share what is left', async () => {
    await using bench = await open(LIMIT)
    const outcomes = await Promise.allSettled(
      [1, 2, 3, 4].map((n) => bench.upload(`${n}.gcode`, ofSize(25_000, n), { contentLength: null })),
    )
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(2)
    for (const outcome of outcomes)
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'QUOTA_EXCEEDED' })
    expect(await bench.stored()).toBe(2)
  })

  it('comes in at most so many uploads at once, and others are not held up by that', async () => {
    await using bench = await open()
    const { uploadAs, request } = bench
    const slow = Array.from({ length: UPLOADS_AT_ONCE }, () => new PassThrough())
    const waiting = slow.map((source, n) =>
      uploadAs(ada, request(`slow-${n}.gcode`, ofSize(100, n), { source, contentLength: null })),
    )
    const refused = { code: 'RATE_LIMITED', params: { limit: UPLOADS_AT_ONCE, of: 'uploads at once' } }
    await expect(bench.upload('more.gcode', ofSize(100, 9))).rejects.toMatchObject(refused)
    const bob: Actor = { ...ada, id: newId('user') }
    await expect(uploadAs(bob, request('bob.gcode', ofSize(100, 10)))).resolves.toBeDefined()
    slow.forEach((source, n) => source.end(ofSize(100, n)))
    await Promise.all(waiting)
    await expect(bench.upload('more.gcode', ofSize(100, 9))).resolves.toBeDefined()
  })
})

describe('removing a file', () => {
  it('frees its name and its space', async () => {
    await using bench = await open()
    const { files, prisma, upload, stored } = bench
    const cube = await fixture('cura-cube.gcode')
    const first = await upload('cube.gcode', cube)
    await files.remove(ada, first.id)
    await bench.process()
    expect(await stored()).toBe(0)
    await expect(files.get(ada, first.id)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(files.openContent(ada, first.id)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(files.remove(ada, first.id)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    const second = await upload('cube.gcode', cube)
    expect(second.id).not.toBe(first.id)
    const events = await prisma.event.findMany({ orderBy: { seq: 'asc' } })
    expect(events.map(({ type }) => type)).toEqual(['file.created', 'file.removed', 'file.created'])
  })

  it('is refused while a job needs it, and afterwards keeps what was printed', async () => {
    await using bench = await open()
    const { files, prisma, storage, upload } = bench
    const cube = await fixture('cura-cube.gcode')
    const { id, latest } = await upload('cube.gcode', cube)
    const job = await orderPrint(prisma, latest.id)
    await expect(files.remove(ada, id)).rejects.toMatchObject({ code: 'INVALID_STATE' })
    await prisma.printJob.update({ where: { id: job.id }, data: { state: 'done', queuedCopies: 0, doneCopies: 1 } })
    await files.remove(ada, id)
    await bench.process()
    expect(await storage.stat(latest.sha256)).toEqual({ sizeBytes: cube.length })
    const source = await files.openContent(ada, latest.id)
    expect(await buffer(source.source)).toEqual(cube)
  })
})

describe('the source for a printer', () => {
  it('gives the content as often as it is opened, and nothing when it is missing or has another size', async () => {
    await using bench = await open()
    const { files, storage, upload } = bench
    const cube = await fixture('cura-cube.gcode')
    const { latest } = await upload('cube.gcode', cube)
    const source = await files.uploadSource(latest.sha256, cube.length)
    expect(await buffer(source!.open())).toEqual(cube)
    expect(await buffer(source!.open())).toEqual(cube)
    expect(await files.uploadSource(latest.sha256, cube.length + 1)).toBeNull()
    await storage.delete(latest.sha256, new Date(Date.now() + 1_000))
    expect(await files.uploadSource(latest.sha256, cube.length)).toBeNull()
    await expect(buffer(source!.open())).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })
})
