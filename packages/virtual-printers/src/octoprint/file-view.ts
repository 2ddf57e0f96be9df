import type { StoredFile } from '../files/file-store.js'
import type { OctoPrintInstance } from './octoprint-instance.js'

/** What a listing says is free; a virtual disk is never full. */
const FREE_BYTES = 8 * 1024 ** 3
const TOTAL_BYTES = 16 * 1024 ** 3

export function refs(path: string, origin: string): { resource: string; download: string } {
  const encoded = path.split('/').map(encodeURIComponent).join('/')
  return { resource: `${origin}/api/files/local/${encoded}`, download: `${origin}/downloads/files/local/${encoded}` }
}

/** One file as a listing shows it. */
export function fileEntry(instance: OctoPrintInstance, file: StoredFile, origin: string): object {
  const name = file.path.split('/').at(-1) ?? file.path
  const entry = {
    name,
    display: name,
    path: file.path,
    type: 'machinecode',
    typePath: ['machinecode', 'gcode'],
    size: file.sizeBytes,
    date: Math.floor(file.modifiedMs / 1000),
    hash: file.sha1,
    origin: 'local',
    refs: refs(file.path, origin),
  }
  const record = instance.records.get(file.path)
  if (!record) return entry
  const { success, failure, last, averagePrintTimeSeconds: average, lastPrintTimeSeconds: lastTime } = record
  return {
    ...entry,
    prints: { success, failure, last },
    statistics: {
      averagePrintTime: average === null ? {} : { _default: average },
      lastPrintTime: lastTime === null ? {} : { _default: lastTime },
    },
  }
}

/** The entries directly in `folder` (`''` is the root); sub-folders carry their children when recursive. */
export function folderEntries(
  instance: OctoPrintInstance,
  folders: ReadonlySet<string>,
  folder: string,
  origin: string,
  recursive: boolean,
): object[] {
  const inside = (path: string): boolean => path.slice(0, Math.max(0, path.lastIndexOf('/'))) === folder
  const files = instance.store.list().filter((file) => inside(file.path))
  const children = [...folders].filter((path) => inside(path)).map((path) => folderEntry(path, origin))
  return [
    ...children.map((entry) =>
      recursive ? { ...entry, children: folderEntries(instance, folders, entry.path, origin, true) } : entry,
    ),
    ...files.map((file) => fileEntry(instance, file, origin)),
  ]
}

export function folderEntry(path: string, origin: string) {
  const name = path.split('/').at(-1) ?? path
  const { resource } = refs(path, origin)
  return { name, display: name, path, type: 'folder', typePath: ['folder'], origin: 'local', refs: { resource } }
}

export function listing(files: object[]): object {
  return { files, free: FREE_BYTES, total: TOTAL_BYTES }
}
