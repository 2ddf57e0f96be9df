import type { ExportFormat, ExportKind } from '@gantry/schemas'
import { createHash } from 'node:crypto'

import { JobRefused, type UnitOfWork } from '../../kernel/index.js'
import type { UserRepository } from '../auth/auth.ports.js'
import type { ExportRepository } from './exports.ports.js'

export interface EarlierOrder {
  userId: string
  kind: ExportKind
  format: ExportFormat
}

/**
 * The export that an older producer's job stands for: the first delivery makes it, each further one finds it, since
 * its id comes from the job's.
 * @throws JobRefused when there is no such user
 */
export const adoptOrder = async (
  { unitOfWork }: { unitOfWork: UnitOfWork<{ exports: ExportRepository; users: UserRepository }> },
  jobId: string,
  { userId, kind, format }: EarlierOrder,
): Promise<string> => {
  const id = exportIdFor(`${jobId} ${userId} ${kind} ${format}`)
  await unitOfWork.run(async ({ exports, users }) => {
    if ((await users.get(userId)) === null) throw new JobRefused(`there is no user ${userId}`)
    await exports.create({ id, kind, scope: 'own', format, createdById: userId, jobId })
  })
  return id
}

/** In the form of all ids; made of what it is given, and of no time. */
const exportIdFor = (text: string): string => {
  const hex = createHash('sha256').update(text).digest('hex')
  const parts = [hex.slice(0, 8), hex.slice(8, 12), `7${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)]
  return `exp_${parts.join('-')}`
}
