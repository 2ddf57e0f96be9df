import { fileName, idOf, type FileFormat, type FileVersion, type Page, type PrintFile } from '@gantry/schemas'
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'

import {
  assertMay,
  GantryError,
  newId,
  notFound,
  type Actor,
  type AnyReads,
  type Clock,
  type Logger,
  type Primary,
  type TransactionContext,
  type UnitOfWork,
} from '../../kernel/index.js'
import type { UploadSource } from '../printers/printer-driver.port.js'
import { discardContent } from './discard-contents.js'
import type { ByteRange, FileStorage } from './file-storage.port.js'
import { fileProcessing } from './files.jobs.js'
import type { FileContent, FileRepository, StoredThumbnail } from './files.ports.js'
import type { ScanThread } from './gcode/scan-thread.js'
import { receiveUpload, type ReceivedFile } from './receive-upload.js'
import { UploadsUnderWay } from './uploads-under-way.js'

interface Repositories {
  files: FileRepository
}

export interface FilesServiceDeps {
  unitOfWork: UnitOfWork<Repositories>
  reads: Primary<Repositories>
  lists: AnyReads<{ files: Pick<FileRepository, 'list' | 'versions'> }>
  storage: FileStorage
  /** Reads what is uploaded. */
  scans: ScanThread
  /** Largest accepted file, in bytes. */
  limitBytes: number
  /** How many bytes one user may keep. */
  quotaBytes: number
  /** Hears of the bytes of every upload as they come. @default nobody */
  bytesReceived?: (bytes: number) => void
  clock: Clock
  log: Logger
}

export interface UploadRequest {
  name: string
  source: Readable
  /** The announced size of the file; null when unknown. */
  contentLength: number | null
  idempotencyKey?: string
}

/** Bytes on their way out. */
export interface Download {
  source: Readable
  sizeBytes: number
  contentType: string
  name: string
}

const LISTED_VERSIONS = 100
/** Contents that one job is told to look at. */
const DROPPED_AT_ONCE = 500
const FILE_ID = idOf('file')
const FILE_VERSION_ID = idOf('fileVersion')
const CONTENT_TYPES = { gcode: 'text/x-gcode', '3mf': 'model/3mf' } as const satisfies Record<FileFormat, string>
const PICTURE_TYPES = { png: 'image/png', jpg: 'image/jpeg', qoi: 'image/qoi' } as const

/** The library of print files. */
export class FilesService {
  private readonly underWay = new UploadsUnderWay()

  constructor(private readonly deps: FilesServiceDeps) {}

  list(actor: Actor, query: { limit: number; cursor: string | null }): Promise<Page<PrintFile>> {
    return this.deps.lists.read(actor, ({ files }) => files.list(actor, query), {
      query: 'files.list',
      input: query,
      tags: ['file'],
    })
  }

  /** @throws GantryError `NOT_FOUND` */
  async get(actor: Actor, fileId: string): Promise<PrintFile> {
    const file = await this.deps.reads.files.get(actor, fileId)
    if (file === null) throw notFound('file', fileId)
    return file
  }

  /** The newest hundred. @throws GantryError `NOT_FOUND` */
  async versions(actor: Actor, fileId: string): Promise<FileVersion[]> {
    await this.get(actor, fileId)
    return this.deps.lists.read(actor, ({ files }) => files.versions(actor, fileId, LISTED_VERSIONS), {
      query: 'files.versions',
      input: fileId,
      tags: [fileId],
    })
  }

  /**
   * Stores a file, or a new version of the one that has this name. The same content again is the same version. On any
   * failure nothing is kept.
   * @param open begins the upload, when it is known that the actor may and has not too many under way
   * @throws GantryError `FORBIDDEN`, `VALIDATION_FAILED`, `NAME_TAKEN`, `NOT_GCODE`, `NOT_3MF`, `NOT_SLICED`,
   *   `FILE_TOO_LARGE`, `UPLOAD_TRUNCATED`, `STORAGE_FULL`, `QUOTA_EXCEEDED`, `RATE_LIMITED` for too many uploads at once
   */
  async upload(actor: Actor, open: () => Promise<UploadRequest>, signal: AbortSignal): Promise<PrintFile> {
    assertMay(actor, 'files.write')
    return this.underWay.run(actor.id, async () => this.receive(actor, await open(), signal))
  }

  private async receive(actor: Actor, request: UploadRequest, signal: AbortSignal): Promise<PrintFile> {
    const name = parsedName(request.name)
    // What is over already need not come first; whether it still fits is decided where it is stored.
    await this.assertWithinQuota(this.deps.reads.files, actor, request.contentLength ?? 0)
    const { storage, scans, limitBytes, bytesReceived } = this.deps
    const { source, contentLength } = request
    const format = formatOf(name)
    const received = await receiveUpload(source, {
      ...{ storage, scans, limitBytes, signal, format },
      ...(bytesReceived === undefined ? {} : { bytesReceived }),
      ...(contentLength === null ? {} : { expectedBytes: contentLength }),
    })
    const contents = [received.sha256]
    try {
      const thumbnail = await this.keepThumbnail(received)
      if (thumbnail !== null) contents.push(thumbnail.sha256)
      const { fileId } = await this.store(actor, request, { name, format, received, thumbnail })
      return await this.get(actor, fileId)
    } catch (error) {
      await this.discard(contents)
      throw error
    }
  }

  /**
   * Takes a file out of the library; jobs and parts that ended keep what they printed. A job deletes the bytes.
   * @throws GantryError `NOT_FOUND`, `INVALID_STATE` also when others print it, whom the actor does not see
   */
  async remove(actor: Actor, fileId: string): Promise<void> {
    await this.deps.unitOfWork.run(async (tx) => {
      const locked = await tx.files.lockForRemoval(actor, fileId)
      if (locked === null) throw notFound('file', fileId)
      if (await tx.files.isUsedElsewhere(actor, fileId))
        throw new GantryError('INVALID_STATE', {
          params: { detail: 'others, whom you do not see, print the file too' },
        })
      if (locked.isInUse)
        throw new GantryError('INVALID_STATE', { params: { detail: 'print jobs still need the file' } })
      tx.record({ type: 'file.removed', subjectType: 'file', subjectId: fileId, payload: { fileId } }, actor.id)
      const contents = await tx.files.remove(fileId, tx.now)
      const removedAt = tx.now.toISOString()
      for (let from = 0; from < contents.length; from += DROPPED_AT_ONCE)
        tx.jobs.add(fileProcessing, { dropped: { contents: contents.slice(from, from + DROPPED_AT_ONCE), removedAt } })
    })
  }

  /** @param id of a file, for its newest version, or of a version. @throws GantryError `FORBIDDEN`, `NOT_FOUND` */
  async openContent(actor: Actor, id: string, range?: ByteRange): Promise<Download> {
    const { name, sha256, format } = await this.contentOf(actor, id)
    return this.open(sha256, { name, contentType: CONTENT_TYPES[format] }, range)
  }

  /** @throws GantryError `FORBIDDEN`, `NOT_FOUND`, also when the file has no picture */
  async openThumbnail(actor: Actor, id: string): Promise<Download> {
    const { name, thumbnail } = await this.contentOf(actor, id)
    if (thumbnail === null) throw notFound('thumbnail', id)
    const { sha256, format } = thumbnail
    return this.open(sha256, { name: `${name}.${format}`, contentType: PICTURE_TYPES[format] })
  }

  /** The content for a printer host; null when it is missing or has another size. */
  async uploadSource(sha256: string, sizeBytes: number): Promise<UploadSource | null> {
    const { storage } = this.deps
    const found = await storage.stat(sha256)
    if (found?.sizeBytes !== sizeBytes) return null
    return { sha256, sizeBytes, open: () => opening(() => storage.open(sha256)) }
  }

  private async contentOf(actor: Actor, id: string): Promise<FileContent> {
    assertMay(actor, 'files.read')
    const { files } = this.deps.reads
    const found = FILE_VERSION_ID.safeParse(id).success
      ? await files.findContent(actor, { fileVersionId: id })
      : FILE_ID.safeParse(id).success
        ? await files.findContent(actor, { fileId: id })
        : null
    if (found === null) throw notFound('file', id)
    return found
  }

  private async open(sha256: string, as: { name: string; contentType: string }, range?: ByteRange): Promise<Download> {
    const { storage } = this.deps
    const stored = await storage.stat(sha256)
    if (stored === null) throw notFound('file', sha256)
    const source = await storage.open(sha256, range)
    return { ...as, source, sizeBytes: lengthOf(stored.sizeBytes, range) }
  }

  private async keepThumbnail({ thumbnail }: ReceivedFile): Promise<StoredThumbnail | null> {
    if (thumbnail === null) return null
    const { bytes, format } = thumbnail
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    const pending = await this.deps.storage.begin(bytes.length)
    try {
      await pending.write(bytes)
      await pending.commit(sha256)
    } catch (error) {
      await pending.abort()
      throw error
    }
    return { sha256, format }
  }

  private store(actor: Actor, { idempotencyKey }: UploadRequest, upload: Upload): Promise<{ fileId: string }> {
    const { unitOfWork } = this.deps
    const work = (tx: Repositories & TransactionContext) => this.storeIn(tx, actor, upload)
    if (idempotencyKey === undefined) return unitOfWork.run(work)
    const input = { name: upload.name, sha256: upload.received.sha256 }
    return unitOfWork.once({ actorId: actor.id, key: idempotencyKey, procedure: 'files.upload', input }, work)
  }

  private async storeIn(
    tx: Repositories & TransactionContext,
    actor: Actor,
    { name, format, received, thumbnail }: Upload,
  ): Promise<{ fileId: string }> {
    const { sha256, sizeBytes, metadata } = received
    await this.lockStored(tx, thumbnail === null ? [sha256] : [sha256, thumbnail.sha256])
    const { fileId, latestSha256 } = await tx.files.lockNamed(name, newId('file'), actor.id)
    // Names are those of the whole library, of which the actor may see a part.
    const isForeign = latestSha256 !== null && (await tx.files.get(actor, fileId)) === null
    if (isForeign) throw new GantryError('NAME_TAKEN', { params: { name } })
    if (latestSha256 === sha256) return { fileId }
    // What is new would be the newest for those as well.
    if (latestSha256 !== null && (await tx.files.isUsedElsewhere(actor, fileId)))
      throw new GantryError('NAME_TAKEN', { params: { name } })
    await tx.files.lockUploadsOf(actor.id)
    await this.assertWithinQuota(tx.files, actor, sizeBytes)
    const id = newId('fileVersion')
    const version = { id, fileId, sha256, sizeBytes, format, metadata, thumbnail, createdById: actor.id }
    await tx.files.addVersion(version, tx.now)
    const payload = { fileId, fileVersionId: id }
    tx.record({ type: 'file.created', subjectType: 'file', subjectId: fileId, payload }, actor.id)
    return { fileId }
  }

  private async assertWithinQuota(
    files: Pick<FileRepository, 'bytesUploadedBy'>,
    actor: Actor,
    sizeBytes: number,
  ): Promise<void> {
    const limitBytes = this.deps.quotaBytes
    const usedBytes = await files.bytesUploadedBy(actor.id)
    if (usedBytes + sizeBytes > limitBytes) throw new GantryError('QUOTA_EXCEEDED', { params: { limitBytes } })
  }

  /** While the lock is held nobody discards these; but somebody may have, whose upload of the same content failed. */
  private async lockStored(tx: Repositories, sha256s: string[]): Promise<void> {
    await tx.files.lockContents(sha256s)
    for (const sha256 of sha256s) {
      if ((await this.deps.storage.stat(sha256)) === null) throw new GantryError('UPLOAD_TRUNCATED')
    }
  }

  /** After an upload that failed. What cannot be deleted now is found by `FILE_PROCESSING`. */
  private async discard(sha256s: readonly string[]): Promise<void> {
    const { clock, log } = this.deps
    for (const sha256 of sha256s) {
      try {
        await discardContent(this.deps, sha256, new Date(clock.now()))
      } catch (err) {
        log.warn({ err, sha256 }, 'stored content that nobody refers to could not be deleted')
      }
    }
  }
}

interface Upload {
  name: string
  format: FileFormat
  received: ReceivedFile
  thumbnail: StoredThumbnail | null
}

/** By the ending, which the content must then bear out. */
const formatOf = (name: string): FileFormat => (/\.3mf$/i.test(name) ? '3mf' : 'gcode')

const parsedName = (name: string): string => {
  const parsed = fileName.safeParse(name)
  if (parsed.success) return parsed.data
  const messages = parsed.error.issues.map(({ message }) => message)
  const params = { detail: `name ${messages.join(', ')}` }
  throw new GantryError('VALIDATION_FAILED', { params, fields: { name: messages } })
}

const lengthOf = (sizeBytes: number, range: ByteRange | undefined): number => {
  if (range === undefined) return sizeBytes
  const end = Math.min(range.end ?? sizeBytes - 1, sizeBytes - 1)
  return Math.max(0, end - range.start + 1)
}

/** A stream at once for what is opened in a while. */
const opening = (open: () => Promise<Readable>): Readable => {
  async function* chunks() {
    yield* (await open()) as AsyncIterable<Buffer>
  }
  return Readable.from(chunks(), { objectMode: false })
}
