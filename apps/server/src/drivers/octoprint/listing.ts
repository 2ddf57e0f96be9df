import type { HistoryEntry, RemoteFile } from '../../modules/printers/printer-driver.port.js'
import { hostDate } from '../host-values.js'
import { type FileMessage, fileMessage } from './wire.js'

const MAX_DEPTH = 20

const toRemoteFile = ({ path, size, date }: FileMessage): RemoteFile => ({
  remotePath: path,
  sizeBytes: size,
  modifiedAt: hostDate(date),
})

/** The files of a tree as OctoPrint lists it, folders' files after those beside the folder. */
function* filesOf(entries: readonly unknown[]): Generator<FileMessage> {
  let level = [...entries]
  for (let depth = 0; depth < MAX_DEPTH && level.length > 0; depth++) {
    const below: unknown[] = []
    for (const entry of level) {
      const file = fileMessage.safeParse(entry)
      if (!file.success) continue
      if (file.data.type === 'folder') below.push(...(file.data.children ?? []))
      else yield file.data
    }
    level = below
  }
}

/** At most `limit` files of a listing. */
export const flattenListing = (entries: readonly unknown[], limit: number): RemoteFile[] => {
  const files: RemoteFile[] = []
  for (const file of filesOf(entries)) {
    if (files.length >= limit) break
    files.push(toRemoteFile(file))
  }
  return files
}

const endOf = ({ endedAt }: HistoryEntry): number => endedAt?.getTime() ?? 0

/** The last print of each file that was printed, newest first. A print that was cancelled counts as failed here. */
export const lastPrintsOf = (entries: readonly unknown[], limit: number): HistoryEntry[] => {
  const prints: HistoryEntry[] = []
  for (const { path, prints: record } of filesOf(entries)) {
    const last = record?.last
    if (last === undefined) continue
    const endedAt = hostDate(last.date)
    const outcome = last.success ? 'completed' : 'failed'
    prints.push({ remotePath: path, hostJobRef: null, outcome, startedAt: null, endedAt })
  }
  return prints.sort((one, other) => endOf(other) - endOf(one)).slice(0, limit)
}
