import type { FileFormat, PrintFileMetadata } from '@gantry/schemas'

import type { Actor } from '../kernel/index.js'
import type { PrintableFile, PrintableFileRepository } from '../modules/print-jobs/print-jobs.ports.js'
import type { Prisma } from './generated/client.js'
import { visibleFiles } from './scope.js'

type Row = Prisma.FileVersionGetPayload<{ include: { file: { select: { name: true } } } }>

const fileOf = (row: Row): PrintableFile => ({
  fileVersionId: row.id,
  name: row.file.name,
  format: row.format as FileFormat,
  metadata: row.metadata as unknown as PrintFileMetadata,
})

export class PrismaPrintableFileRepository implements PrintableFileRepository {
  constructor(private readonly tx: Prisma.TransactionClient) {}

  async latest(actor: Actor, fileId: string) {
    const row = await this.tx.fileVersion.findFirst({
      where: { fileId, file: { AND: [{ removedAt: null }, visibleFiles(actor)] } },
      orderBy: { number: 'desc' },
      include: { file: { select: { name: true } } },
    })
    return row === null ? null : fileOf(row)
  }

  async version(fileVersionId: string) {
    const row = await this.tx.fileVersion.findUnique({
      where: { id: fileVersionId },
      include: { file: { select: { name: true } } },
    })
    return row === null ? null : fileOf(row)
  }
}
