import type { CreateExportInput, DataExport, Page } from '@gantry/schemas'
import type { Readable } from 'node:stream'

import {
  assertMay,
  GantryError,
  newId,
  notFound,
  type Actor,
  type Logger,
  type Primary,
  type TransactionContext,
  type UnitOfWork,
} from '../../kernel/index.js'
import type { ByteRange } from '../files/file-storage.port.js'
import { contentTypeOf, fileNameOf } from './document.js'
import type { DownloadLinks, LinkParts } from './download-links.js'
import { dataExportJob } from './exports.jobs.js'
import type { ExportRecord, ExportRepository, ExportStorage } from './exports.ports.js'
import { expectMayTake, type TakerRepositories } from './taker.js'

interface Repositories {
  exports: ExportRepository
}
type Reads = Repositories & TakerRepositories

export interface ExportsServiceDeps {
  unitOfWork: UnitOfWork<Repositories>
  reads: Primary<Reads>
  storage: ExportStorage
  links: DownloadLinks
  log: Logger
}

/** A finished export on its way out. */
export interface ExportDownload {
  /** Names this very content. */
  tag: string
  name: string
  contentType: string
  sizeBytes: number
  open(range?: ByteRange): Promise<Readable>
}

const MAX_OPEN = 3
const MAX_READY = 20

/** Exports that users order, look after and take. */
export class ExportsService {
  constructor(private readonly deps: ExportsServiceDeps) {}

  async list(actor: Actor, query: { limit: number; cursor: string | null }): Promise<Page<DataExport>> {
    const { items, nextCursor } = await this.deps.reads.exports.list(actor, query)
    return { items: items.map((item) => this.shown(item, actor.id)), nextCursor }
  }

  /**
   * @param takerId whom its link is given, where that is not the owner
   * @throws GantryError `NOT_FOUND`
   */
  async get(actor: Actor, exportId: string, takerId = actor.id): Promise<DataExport> {
    const found = await this.deps.reads.exports.get(actor, exportId)
    if (found === null) throw notFound('export', exportId)
    return this.shown(found, takerId)
  }

  /** @throws GantryError `FORBIDDEN`, `EXPORT_LIMIT_REACHED` */
  async create(actor: Actor, { idempotencyKey, ...input }: CreateExportInput): Promise<DataExport> {
    if (input.scope === 'farm') assertMay(actor, 'exports.farm')
    const { unitOfWork } = this.deps
    const work = (tx: Repositories & TransactionContext) => order(tx, actor, input)
    const { id } = await (idempotencyKey === undefined
      ? unitOfWork.run(work)
      : unitOfWork.once({ actorId: actor.id, key: idempotencyKey, procedure: 'exports.create', input }, work))
    return this.get(actor, id)
  }

  /** Removes an export with its file; one that is being written is given up. @throws GantryError `NOT_FOUND` */
  async remove(actor: Actor, exportId: string): Promise<void> {
    const { unitOfWork, storage, log } = this.deps
    const removed = await unitOfWork.run(({ exports, now }) => exports.remove(actor, exportId, now))
    if (removed === null) throw notFound('export', exportId)
    if (removed.storedName === null) return
    try {
      await storage.delete(removed.storedName)
    } catch (err) {
      log.warn({ err, exportId }, 'the file of a removed export is left to the next clean-up')
    }
  }

  /**
   * For whoever has the link, as long as the one it was given may take the export: what they might when they asked for it
   * is not enough.
   * @throws GantryError `LINK_REFUSED`, `LINK_EXPIRED`, `FORBIDDEN`
   */
  async download(link: LinkParts): Promise<ExportDownload> {
    const { links, reads, storage } = this.deps
    links.check(link)
    const found = await reads.exports.findReady(link.exportId)
    if (found !== null) await expectMayTake(reads, found, link.userId)
    const name = found?.storedName ?? null
    const stored = name === null ? null : await storage.stat(name)
    if (found === null || name === null || stored === null) throw new GantryError('LINK_EXPIRED')
    return {
      ...{ tag: name, name: fileNameOf(found), contentType: contentTypeOf(found), sizeBytes: stored.sizeBytes },
      open: (range) => storage.open(name, range),
    }
  }

  private shown(found: ExportRecord, takerId: string): DataExport {
    const { id, kind, scope, format, state, rowsWritten, sizeBytes, errorCode } = found
    const { createdAt, startedAt, finishedAt, expiresAt } = found
    return {
      ...{ id, kind, scope, format, state, rowsWritten, sizeBytes, errorCode },
      ...{ createdAt, startedAt, finishedAt, expiresAt },
      progress: progressOf(found),
      fileName: fileNameOf(found),
      downloadUrl: state === 'ready' ? this.deps.links.pathTo(id, takerId) : null,
    }
  }
}

/** Rows may come while others are written: what is not ready is never all. */
const progressOf = ({ state, rowsTotal, rowsWritten }: ExportRecord): number => {
  if (state === 'ready' || state === 'expired') return 1
  return rowsTotal === 0 ? 0 : Math.min(0.99, rowsWritten / rowsTotal)
}

const order = async (
  tx: Repositories & TransactionContext,
  actor: Actor,
  input: Omit<CreateExportInput, 'idempotencyKey'>,
): Promise<{ id: string }> => {
  const { open, ready } = await tx.exports.lockOwned(actor.id)
  if (open >= MAX_OPEN) throw limitReached(`${MAX_OPEN} are being made`)
  if (ready >= MAX_READY) throw limitReached(`${MAX_READY} are kept`)
  const id = newId('export')
  const jobId = tx.jobs.add(dataExportJob, { exportId: id })
  await tx.exports.create({ id, ...input, createdById: actor.id, jobId })
  return { id }
}

const limitReached = (detail: string) => new GantryError('EXPORT_LIMIT_REACHED', { params: { detail } })
