import type { QueueKey } from '../modules/print-jobs/print-jobs.ports.js'
import type { Prisma } from './generated/client.js'
import { cursorRefused } from './keyset.js'

const CURSOR = /^(-?\d{1,9}) (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) ([\w-]+)$/

export const encodeQueueCursor = ({ priority, createdAt, id }: QueueKey): string =>
  Buffer.from(`${priority} ${createdAt.toISOString()} ${id}`).toString('base64url')

/** @throws GantryError `VALIDATION_FAILED` */
export const decodeQueueCursor = (cursor: string | null): QueueKey | null => {
  if (cursor === null) return null
  const [, priority = '', iso = '', id = ''] = CURSOR.exec(Buffer.from(cursor, 'base64url').toString('utf8')) ?? []
  const createdAt = new Date(iso)
  if (Number.isNaN(createdAt.getTime())) throw cursorRefused()
  return { priority: Number(priority), createdAt, id }
}

export const IN_QUEUE_ORDER = [
  { priority: 'desc' },
  { createdAt: 'asc' },
  { id: 'asc' },
] as const satisfies Prisma.PrintJobOrderByWithRelationInput[]

/**
 * The stretches of the queue behind `after`, each of which the index of the queue gives from its beginning: the jobs of
 * the same priority that came later, then those of a lower one.
 */
export const stretchesBehind = (after: QueueKey | null): Prisma.PrintJobWhereInput[] => {
  const waiting = { queuedCopies: { gt: 0 } }
  if (after === null) return [waiting]
  const { priority, createdAt, id } = after
  const later = { createdAt: { gte: createdAt }, OR: [{ createdAt: { gt: createdAt } }, { id: { gt: id } }] }
  return [
    { ...waiting, priority, ...later },
    { ...waiting, priority: { lt: priority } },
  ]
}
