import type { RemoteFile } from '../../modules/printers/printer-driver.port.js'
import { type FileMessage, fileMessage } from './wire.js'

const MAX_DEPTH = 20

const toRemoteFile = ({ path, size, date }: FileMessage): RemoteFile => ({
  remotePath: path,
  sizeBytes: size,
  modifiedAt: date === null ? null : new Date(date * 1000),
})

/** The files of a tree as OctoPrint lists it, folders' files after those beside the folder. */
export const flattenListing = (entries: readonly unknown[], limit: number): RemoteFile[] => {
  const files: RemoteFile[] = []
  let level = [...entries]
  for (let depth = 0; depth < MAX_DEPTH && level.length > 0; depth++) {
    const below: unknown[] = []
    for (const entry of level) {
      if (files.length >= limit) return files
      const file = fileMessage.safeParse(entry)
      if (!file.success) continue
      if (file.data.type === 'folder') below.push(...(file.data.children ?? []))
      else files.push(toRemoteFile(file.data))
    }
    level = below
  }
  return files
}
