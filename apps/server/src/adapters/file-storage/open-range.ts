import { open } from 'node:fs/promises'
import type { Readable } from 'node:stream'

import { invalidField, notFound } from '../../kernel/errors.js'
import type { ByteRange } from '../../modules/files/file-storage.port.js'
import { unlessMissing } from './disk-errors.js'

/** @throws GantryError `NOT_FOUND` naming `name`; `VALIDATION_FAILED` for a range that is none */
export const openRange = async (path: string, name: string, range?: ByteRange): Promise<Readable> => {
  const handle = await unlessMissing(open(path, 'r'), null)
  if (handle === null) throw notFound('file', name)
  if (range !== undefined && !isRange(range)) {
    await handle.close()
    throw invalidField('range', 'must be whole byte positions, the first not after the last')
  }
  return handle.createReadStream({ ...range, highWaterMark: 256 * 1024 })
}

const isRange = ({ start, end }: ByteRange): boolean =>
  Number.isSafeInteger(start) && start >= 0 && (end === undefined || (Number.isSafeInteger(end) && end >= start))
