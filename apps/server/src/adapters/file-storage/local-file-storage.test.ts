import { execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { access, mkdir, mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { GantryError } from '../../kernel/errors.js'
import { BufferedWriter } from './buffered-writer.js'
import { toStorageError } from './disk-errors.js'
import { LocalFileStorage } from './local-file-storage.js'

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

const { signal } = new AbortController()

let dataDir: string
let storage: LocalFileStorage

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'file-storage-'))
  storage = new LocalFileStorage({ dataDir, reserveBytes: 0 })
})
afterEach(() => rm(dataDir, { recursive: true, force: true }))

async function store(content: Buffer) {
  const pending = await storage.begin()
  await pending.write(content)
  return pending.commit(sha256(content))
}

/** Every regular file below the data directory, relative to it. */
async function filesIn(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
}

describe('LocalFileStorage', () => {
  it('stores content under its hash and reads it back, whole and in ranges', async () => {
    const content = randomBytes(3 * 1024 * 1024 + 17)
    const hash = sha256(content)
    expect(await store(content)).toEqual({ sizeBytes: content.length, created: true })
    expect(await filesIn(dataDir)).toEqual([join(dataDir, 'files', hash.slice(0, 2), hash.slice(2, 4), hash)])
    expect(await storage.stat(hash)).toEqual({ sizeBytes: content.length })
    expect((await buffer(await storage.open(hash))).equals(content)).toBe(true)
    const part = await buffer(await storage.open(hash, { start: 1_048_570, end: 1_048_590 }))
    expect(part.equals(content.subarray(1_048_570, 1_048_591))).toBe(true)
    const rest = await buffer(await storage.open(hash, { start: content.length - 5 }))
    expect(rest.equals(content.subarray(-5))).toBe(true)
  })

  it('takes chunks of every size, and leaves the caller free to reuse its buffer', async () => {
    const pending = await storage.begin()
    const hash = createHash('sha256')
    const scratch = Buffer.alloc(2_500_000)
    for (const size of [0, 1, 65_536, 2_500_000, 1_048_576, 3]) {
      const chunk = scratch.subarray(0, size).fill(size % 251)
      hash.update(chunk)
      await pending.write(chunk)
    }
    const name = hash.digest('hex')
    await pending.commit(name)
    expect(sha256(await buffer(await storage.open(name)))).toBe(name)
  })

  it('keeps the same content once, also when it arrives twice at the same time', async () => {
    const content = Buffer.from('G28\n')
    const results = await Promise.all([store(content), store(content), store(content)])
    expect(results.every((result) => result.sizeBytes === 4)).toBe(true)
    expect(await store(content)).toEqual({ sizeBytes: 4, created: false })
    expect(await filesIn(dataDir)).toHaveLength(1)
  })

  it('replaces a damaged copy of another size', async () => {
    const content = Buffer.from('G28\n')
    await store(content)
    const [path = ''] = await filesIn(dataDir)
    await writeFile(path, 'G')
    expect(await store(content)).toEqual({ sizeBytes: 4, created: true })
    expect(await storage.stat(sha256(content))).toEqual({ sizeBytes: 4 })
  })

  it('leaves nothing behind after an abort, and does not mind a second one', async () => {
    const pending = await storage.begin()
    await pending.write(randomBytes(2_000_000))
    await pending.abort()
    await pending.abort()
    expect(await filesIn(dataDir)).toEqual([])
    await expect(pending.write(Buffer.from('x'))).rejects.toThrow('committed or aborted')
    await expect(pending.commit('0'.repeat(64))).rejects.toThrow('committed or aborted')
  })

  it('leaves nothing behind when a commit fails', async () => {
    const pending = await storage.begin()
    await pending.write(Buffer.from('x'))
    const hash = 'ab'.repeat(32)
    await writeFile(join(dataDir, 'files', 'ab'), 'a file where a directory must be')
    await expect(pending.commit(hash)).rejects.toThrow(/ENOTDIR|EEXIST/)
    expect(await readdir(join(dataDir, 'files', 'incoming'))).toEqual([])
  })

  it('deletes content while a stream that is open reads on', async () => {
    const content = randomBytes(1_000_000)
    await store(content)
    const stream = await storage.open(sha256(content))
    const later = new Date(Date.now() + 1_000)
    expect(await storage.delete(sha256(content), later)).toBe(true)
    expect((await buffer(stream)).equals(content)).toBe(true)
    expect(await storage.delete(sha256(content), later)).toBe(false)
    expect(await storage.stat(sha256(content))).toBeNull()
    await expect(storage.open(sha256(content))).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  it('never makes a path of anything but a hash', async () => {
    for (const name of ['../../etc/passwd', '', 'AB'.repeat(32), `${'a'.repeat(63)}/`]) {
      await expect(storage.stat(name)).rejects.toThrow(TypeError)
      await expect(storage.open(name)).rejects.toThrow(TypeError)
      await expect(storage.delete(name, new Date())).rejects.toThrow(TypeError)
    }
  })

  it('refuses a range that is none', async () => {
    await store(Buffer.from('G28\n'))
    for (const range of [{ start: -1 }, { start: 2, end: 1 }, { start: 0.5 }]) {
      await expect(storage.open(sha256(Buffer.from('G28\n')), range)).rejects.toMatchObject({
        code: 'VALIDATION_FAILED',
      })
    }
  })

  it('sweeps what a killed process left, and nothing that is still being written', async () => {
    expect(await storage.sweepTemporary(new Date(), signal)).toBe(0)
    const incoming = join(dataDir, 'files', 'incoming')
    await mkdir(incoming, { recursive: true })
    const old = join(incoming, 'ab'.repeat(16))
    await writeFile(old, 'half a file')
    await utimes(old, new Date(1000), new Date(1000))
    const pending = await storage.begin()
    await pending.write(Buffer.from('G28\n'))
    expect(await storage.sweepTemporary(new Date(2000), signal)).toBe(1)
    expect(await readdir(incoming)).toHaveLength(1)
    await pending.commit(sha256(Buffer.from('G28\n')))
  })

  it('refuses at once a file that would not leave the reserve free', async () => {
    await expect(storage.begin(Number.MAX_SAFE_INTEGER)).rejects.toMatchObject({ code: 'STORAGE_FULL' })
    const careful = new LocalFileStorage({ dataDir, reserveBytes: Number.MAX_SAFE_INTEGER })
    await expect(careful.begin()).rejects.toMatchObject({ code: 'STORAGE_FULL' })
    expect(await filesIn(dataDir)).toEqual([])
  })
})

describe('a full disk', () => {
  it.each(['ENOSPC', 'EDQUOT'])('is the typed error for %s', (code) => {
    const cause = Object.assign(new Error(code), { code })
    expect(toStorageError(cause)).toEqual(new GantryError('STORAGE_FULL', { cause }))
    expect(toStorageError(new Error('other'))).toEqual(new Error('other'))
  })

  it('fails a later write or the end, and raises no unhandled rejection', async () => {
    const failure = Object.assign(new Error('full'), { code: 'ENOSPC' })
    const handle = { write: () => Promise.reject(failure), sync: () => Promise.resolve() }
    const writer = new BufferedWriter(handle as never, () => Promise.resolve())
    await writer.write(Buffer.alloc(1024 * 1024))
    await new Promise((resolve) => setImmediate(resolve))
    await expect(writer.write(Buffer.alloc(1024 * 1024))).rejects.toBe(failure)
    await writer.settle()
    await expect(writer.finish()).rejects.toBe(failure)
  })

  // A real full disk needs the right to mount one.
  const canMount = process.platform === 'linux' && process.getuid?.() === 0
  it.skipIf(!canMount)('leaves nothing behind on a disk that is really full', async (context) => {
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', dataDir], { timeout: 5000 })
    } catch {
      // Containers may forbid mounting even to root; the injected failure above covers the path then.
      context.skip()
    }
    try {
      const pending = await storage.begin()
      const fill = async () => {
        for (let megabyte = 0; megabyte < 8; megabyte++) await pending.write(randomBytes(1024 * 1024))
        await pending.commit('0'.repeat(64))
      }
      await expect(fill()).rejects.toMatchObject({ code: 'STORAGE_FULL' })
      await pending.abort()
      expect(await filesIn(dataDir)).toEqual([])
      expect(await store(Buffer.from('G28\n'))).toMatchObject({ created: true })
    } finally {
      execFileSync('umount', [dataDir], { timeout: 5000 })
    }
    await expect(access(join(dataDir, 'files'))).rejects.toThrow()
    expect((await stat(dataDir)).isDirectory()).toBe(true)
  })
})
