import { createHash, randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { describe, expect, it } from 'vitest'

import { LocalFileStorage } from '../../adapters/file-storage/local-file-storage.js'
import { repositoriesFor } from '../../db/repositories.js'
import { createUnitOfWork } from '../../db/unit-of-work.js'
import { newId, onPrimary, systemClock } from '../../kernel/index.js'
import { openTestDatabase, silentHook } from '../../testing/open-database.js'
import { createFileProcessingHandler } from './file-processing.handler.js'
import { fileProcessing } from './files.jobs.js'

const DAYS_MS = 24 * 60 * 60_000

const open = async () => {
  const database = await openTestDatabase()
  const { prisma, log } = database
  const dataDir = await mkdtemp(join(tmpdir(), 'gantry-processing-'))
  const root = join(dataDir, 'files')
  const incoming = join(root, 'incoming')
  await mkdir(incoming, { recursive: true })
  const storage = new LocalFileStorage({ dataDir, reserveBytes: 0 })
  const unitOfWork = createUnitOfWork({ prisma, repositoriesFor, hook: silentHook })
  const reads = onPrimary(repositoriesFor(prisma))
  const handler = createFileProcessingHandler({ unitOfWork, reads, storage, clock: systemClock, log })

  const aged = async (path: string, days: number) => {
    const then = new Date(Date.now() - days * DAYS_MS)
    await utimes(path, then, then)
  }
  const receive = async (bytes: Buffer) => {
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    const pending = await storage.begin()
    await pending.write(bytes)
    await pending.commit(sha256)
    return sha256
  }
  /** A content that was received so many days ago. */
  const content = async (days: number, bytes = randomBytes(20)) => {
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    const folder = join(root, sha256.slice(0, 2), sha256.slice(2, 4))
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, sha256), bytes)
    await aged(join(folder, sha256), days)
    return sha256
  }
  const half = async (days: number) => {
    const path = join(incoming, randomBytes(16).toString('hex'))
    await writeFile(path, 'half')
    await aged(path, days)
  }
  const refer = async (sha256: string, thumbnailSha256: string | null = null) => {
    const [fileId, id] = [newId('file'), newId('fileVersion')]
    await prisma.printFile.create({ data: { id: fileId, name: `${fileId}.gcode` } })
    const row = { id, fileId, number: 1, format: 'gcode' as const, sizeBytes: 20, metadata: {} }
    await prisma.fileVersion.create({ data: { ...row, sha256, thumbnailSha256, thumbnailFormat: 'png' } })
  }
  const left = async (sha256s: string[]) =>
    Promise.all(sha256s.map(async (each) => (await storage.stat(each)) !== null))
  const process = (payload: unknown = {}, signal = new AbortController().signal) =>
    handler.handle({ jobId: 'ob_1', payload: fileProcessing.payload.parse(payload), attempt: 1, attempts: 5, signal })
  return {
    ...{ prisma, storage, unitOfWork, receive, content, half, refer, left, process },
    halves: async () => (await readdir(incoming)).length,
    [Symbol.asyncDispose]: async () => {
      await database[Symbol.asyncDispose]()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

describe('every hour', () => {
  it('what nothing refers to for a day is deleted, and nothing else', async () => {
    await using bench = await open()
    const { content, half, refer, left, process, halves } = bench
    const [printed, picture, unused, young] = [await content(9), await content(9), await content(2), await content(0.5)]
    await refer(printed, picture)
    await half(2)
    await half(0.5)
    await process()
    expect(await left([printed, picture, unused, young])).toEqual([true, true, false, true])
    expect(await halves()).toBe(1)
    await process()
    expect(await left([printed, picture, young])).toEqual([true, true, true])
  })

  it('goes through more contents than it asks about at once', async () => {
    await using bench = await open()
    const unused: string[] = []
    for (let n = 0; n < 520; n++) unused.push(await bench.content(2))
    const kept = await bench.content(2)
    await bench.refer(kept)
    await bench.process()
    expect((await bench.left(unused)).filter(Boolean)).toEqual([])
    expect(await bench.left([kept])).toEqual([true])
  })

  it('stops when it is told to', async () => {
    await using bench = await open()
    const unused = await bench.content(2)
    await expect(bench.process({}, AbortSignal.abort(new Error('stop')))).rejects.toThrow('stop')
    expect(await bench.left([unused])).toEqual([true])
  })
})

describe('an upload of the same content at the same time', () => {
  it('that has come as far as the storage keeps the old copy', async () => {
    await using bench = await open()
    const bytes = randomBytes(20)
    const sha256 = await bench.content(9, bytes)
    expect(await bench.receive(bytes)).toBe(sha256)
    await bench.process()
    expect(await bench.left([sha256])).toEqual([true])
  })

  it('that is just stored in the database is waited for', async () => {
    await using bench = await open()
    const sha256 = await bench.content(9)
    let stored: Promise<void> | undefined
    await bench.unitOfWork.run(async (tx) => {
      await tx.files.lockContents([sha256])
      stored = bench.process()
      expect(await bench.storage.stat(sha256)).not.toBeNull()
      const { fileId } = await tx.files.lockNamed('a.gcode', newId('file'), 'system')
      const metadata = {} as never
      const version = {
        fileId,
        id: newId('fileVersion'),
        sizeBytes: 20,
        format: 'gcode' as const,
        metadata,
        thumbnail: null,
      }
      await tx.files.addVersion({ ...version, sha256, createdById: 'system' }, tx.now)
    })
    await stored
    expect(await bench.left([sha256])).toEqual([true])
  })

  it('never finds that the content it has just received is gone, however often', async () => {
    await using bench = await open()
    const bytes = randomBytes(20)
    for (let round = 0; round < 40; round++) {
      const sha256 = await bench.content(9, bytes)
      const upload = async () => {
        await bench.receive(bytes)
        await bench.unitOfWork.run(async (tx) => {
          await tx.files.lockContents([sha256])
          expect(await bench.storage.stat(sha256)).not.toBeNull()
        })
      }
      await Promise.all([upload(), bench.process(), upload()])
    }
    expect(await bench.halves()).toBe(0)
  })
})

describe('what a removed file had', () => {
  const dropped = (contents: string[], removedAt = new Date()) => ({
    dropped: { contents, removedAt: removedAt.toISOString() },
  })

  it('is deleted unless another file has it too, or it came again since; the rest is left alone', async () => {
    await using bench = await open()
    const [gone, shared, again, other] = [
      await bench.content(0.1),
      await bench.content(0.1),
      await bench.content(0),
      await bench.content(9),
    ]
    await bench.refer('ab', shared)
    await bench.process(dropped([gone, shared, again], new Date(Date.now() - 60_000)))
    await bench.process(dropped([gone]))
    expect(await bench.left([gone, shared, again, other])).toEqual([false, true, true, true])
  })
})
