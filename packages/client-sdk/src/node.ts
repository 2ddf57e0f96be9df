import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename } from 'node:path'

import { sourceFailed } from './errors/client-errors.js'
import type { UploadFile } from './files/upload-source.js'

export type { UploadFile } from './files/upload-source.js'

/**
 * A file on this machine, to be uploaded under its own name without being read into memory.
 * @example await gantry.files.upload(await fileAt('bracket.gcode'))
 * @throws GantryApiError `SOURCE_FAILED` when there is no such file
 */
export const fileAt = async (path: string): Promise<UploadFile> => {
  try {
    const { size } = await stat(path)
    return { name: basename(path), sizeBytes: size, open: () => createReadStream(path) as AsyncIterable<Uint8Array> }
  } catch (cause) {
    throw sourceFailed(cause)
  }
}
