import type { FileFormat, FileVersion, PrintFile, PrintFileMetadata } from '@gantry/schemas'

import type { Actor } from '../kernel/index.js'
import type { FileContent, FileRepository, NewFileVersion, StoredThumbnail } from '../modules/files/files.ports.js'
import type { Prisma } from './generated/client.js'
import { decodeCursor, olderThan, toPage } from './keyset.js'
import { filesUsedElsewhere, visibleFiles } from './scope.js'

const WITH_LATEST = {
  versions: { orderBy: { number: 'desc' }, take: 1 },
} as const satisfies Prisma.PrintFileInclude

type Row = Prisma.PrintFileGetPayload<{ include: typeof WITH_LATEST }>
type VersionRow = Row['versions'][number]

const versionOf = (row: VersionRow): FileVersion => ({
  id: row.id,
  number: row.number,
  sha256: row.sha256,
  sizeBytes: Number(row.sizeBytes),
  format: row.format as FileFormat,
  metadata: row.metadata as unknown as PrintFileMetadata,
  hasThumbnail: row.thumbnailSha256 !== null,
  createdAt: row.createdAt,
})

const fileOf = ({ id, name, versions: [latest], version, createdAt, updatedAt }: Row): PrintFile => {
  if (latest === undefined) throw new Error(`the file ${id} has no version`)
  return { id, name, latest: versionOf(latest), version, createdAt, updatedAt }
}

const thumbnailOf = (row: VersionRow): StoredThumbnail | null =>
  row.thumbnailSha256 === null
    ? null
    : { sha256: row.thumbnailSha256, format: row.thumbnailFormat as StoredThumbnail['format'] }

const contentsOf = (row: Pick<VersionRow, 'sha256' | 'thumbnailSha256'>): string[] =>
  row.thumbnailSha256 === null ? [row.sha256] : [row.sha256, row.thumbnailSha256]

const UNFINISHED = ['queued', 'printing', 'held'] as const satisfies Prisma.PrintJobWhereInput['state'][]

export class PrismaFileRepository implements FileRepository {
  constructor(private readonly tx: Prisma.TransactionClient) {}

  async list(actor: Actor, { limit, cursor }: { limit: number; cursor: string | null }) {
    const rows = await this.tx.printFile.findMany({
      where: { AND: [{ removedAt: null }, visibleFiles(actor), olderThan(decodeCursor(cursor))] },
      include: WITH_LATEST,
      orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
      take: limit + 1,
    })
    return toPage(rows, limit, ({ createdAt, id }) => ({ at: createdAt, id }), fileOf)
  }

  async get(actor: Actor, fileId: string) {
    const where = { AND: [{ id: fileId, removedAt: null }, visibleFiles(actor)] }
    const row = await this.tx.printFile.findFirst({ where, include: WITH_LATEST })
    return row === null ? null : fileOf(row)
  }

  async versions(actor: Actor, fileId: string, limit: number) {
    const rows = await this.tx.fileVersion.findMany({
      where: { fileId, file: { AND: [{ removedAt: null }, visibleFiles(actor)] } },
      orderBy: { number: 'desc' },
      take: limit,
    })
    return rows.map(versionOf)
  }

  async findContent(actor: Actor, id: { fileId: string } | { fileVersionId: string }): Promise<FileContent | null> {
    const wanted = 'fileId' in id ? { fileId: id.fileId, file: { removedAt: null } } : { id: id.fileVersionId }
    const row = await this.tx.fileVersion.findFirst({
      where: { AND: [wanted, { file: visibleFiles(actor) }] },
      orderBy: { number: 'desc' },
      include: { file: { select: { name: true } } },
    })
    if (row === null) return null
    const { file, sha256, format } = row
    return { name: file.name, sha256, format: format as FileFormat, thumbnail: thumbnailOf(row) }
  }

  async lockContents(sha256s: readonly string[]) {
    // In one order everywhere, so that two transactions cannot wait for each other.
    for (const sha256 of sha256s.toSorted()) {
      await this.tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended(${`content ${sha256}`}, 0))`
    }
  }

  async unreferenced(sha256s: readonly string[]) {
    const rows = await this.tx.$queryRaw<{ sha256: string }[]>`
      SELECT c.sha256 FROM unnest(${[...sha256s]}::text[]) AS c (sha256)
      WHERE NOT EXISTS (SELECT 1 FROM file_version v WHERE v.sha256 = c.sha256)
        AND NOT EXISTS (SELECT 1 FROM file_version v WHERE v.thumbnail_sha256 = c.sha256)`
    return rows.map(({ sha256 }) => sha256)
  }

  async lockNamed(name: string, newFileId: string, createdById: string) {
    await this.tx.$executeRaw`
      INSERT INTO print_file (id, name, created_by_id) VALUES (${newFileId}, ${name}, ${createdById})
      ON CONFLICT (lower(name)) WHERE removed_at IS NULL DO UPDATE SET name = print_file.name`
    const [file] = await this.tx.$queryRaw<{ fileId: string; latestSha256: string | null }[]>`
      SELECT f.id AS "fileId",
        (SELECT v.sha256 FROM file_version v WHERE v.file_id = f.id ORDER BY v.number DESC LIMIT 1) AS "latestSha256"
      FROM print_file f WHERE lower(f.name) = lower(${name}) AND f.removed_at IS NULL`
    if (file === undefined) throw new Error('the file that was just locked is gone')
    return file
  }

  async addVersion({ thumbnail, metadata, fileId, ...version }: NewFileVersion, now: Date) {
    const number = 1 + (await this.tx.fileVersion.count({ where: { fileId } }))
    await this.tx.fileVersion.create({
      data: {
        ...version,
        fileId,
        number,
        metadata: metadata,
        thumbnailSha256: thumbnail?.sha256 ?? null,
        thumbnailFormat: thumbnail?.format ?? null,
      },
    })
    if (number > 1) {
      await this.tx.printFile.update({ where: { id: fileId }, data: { version: { increment: 1 }, updatedAt: now } })
    }
  }

  async lockUploadsOf(userId: string) {
    await this.tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended(${`uploads ${userId}`}, 0))`
  }

  async bytesUploadedBy(userId: string) {
    const { _sum } = await this.tx.fileVersion.aggregate({
      where: { createdById: userId },
      _sum: { sizeBytes: true },
    })
    return Number(_sum.sizeBytes ?? 0)
  }

  async lockForRemoval(actor: Actor, fileId: string) {
    await this.tx.$queryRaw`SELECT 1 FROM print_file WHERE id = ${fileId} FOR UPDATE`
    const where = { AND: [{ id: fileId, removedAt: null }, visibleFiles(actor)] }
    if ((await this.tx.printFile.findFirst({ where, select: { id: true } })) === null) return null
    // A job that is being ordered just now refers to a version, and so is waited for here and seen below.
    await this.tx.$queryRaw`SELECT 1 FROM file_version WHERE file_id = ${fileId} ORDER BY number FOR UPDATE`
    const job = await this.tx.printJob.findFirst({
      where: { fileVersion: { fileId }, state: { in: [...UNFINISHED] } },
      select: { id: true },
    })
    return { isInUse: job !== null }
  }

  async isUsedElsewhere(actor: Actor, fileId: string) {
    const elsewhere = filesUsedElsewhere(actor)
    if (elsewhere === null) return false
    const where = { AND: [{ id: fileId }, elsewhere] }
    return (await this.tx.printFile.findFirst({ where, select: { id: true } })) !== null
  }

  async remove(fileId: string, now: Date) {
    await this.tx.printFile.update({
      where: { id: fileId },
      data: { removedAt: now, updatedAt: now, version: { increment: 1 } },
    })
    const unused = { fileId, jobs: { none: {} }, parts: { none: {} } }
    const rows = await this.tx.fileVersion.findMany({ where: unused, select: { sha256: true, thumbnailSha256: true } })
    await this.tx.fileVersion.deleteMany({ where: unused })
    return [...new Set(rows.flatMap(contentsOf))]
  }
}
