import { posix } from 'node:path'
import { ServerError } from './server-error.js'

const GCODE_EXTENSIONS: ReadonlySet<string> = new Set(['.gcode', '.g', '.gco', '.ufp', '.nc'])
export const FILE_ROOTS = ['gcodes', 'config'] as const

export type FileRoot = (typeof FILE_ROOTS)[number]

/** A place inside one of the served folders. */
export interface FileLocation {
  readonly root: FileRoot
  /** Relative to the root, without a leading slash; empty for the root itself. */
  readonly path: string
}

/**
 * Reads a path that starts with its root, for example `gcodes/sub/a.gcode`.
 * @throws {ServerError} 400 for an unknown root or a way out of it
 */
export function locate(requested: string): FileLocation {
  const [root = '', ...rest] = posix
    .normalize(requested)
    .replace(/^\/+|\/+$/g, '')
    .split('/')
  if (!isRoot(root)) throw new ServerError(`Invalid root path (${root})`)
  return { root, path: rest.join('/') }
}

/**
 * Reads the place of an upload: a root, an optional folder and a file name that may itself hold folders.
 * @throws {ServerError} 400 for an unknown root or a way out of it
 */
export function locateUpload(root: string, folder: string, filename: string): FileLocation {
  const lowered = root.toLowerCase()
  if (!isRoot(lowered)) throw new ServerError(`Root ${lowered} not available`)
  const joined = posix.join(folder.replace(/^\/+/, ''), filename.trim().replace(/^\/+/, ''))
  if (joined === '.' || joined === '..' || joined.startsWith('../') || joined.endsWith('/') || joined.includes('\0')) {
    throw new ServerError(`Cannot write to path: ${joined}`)
  }
  return { root: lowered, path: joined }
}

/** Whether Moonraker treats the file as g-code: it reads its metadata, lists it and may print it. */
export function isGcode({ root, path }: FileLocation): boolean {
  return root === 'gcodes' && GCODE_EXTENSIONS.has(posix.extname(path).toLowerCase())
}

export function isRoot(name: string): name is FileRoot {
  return (FILE_ROOTS as readonly string[]).includes(name)
}

/** The location as one text, `gcodes/sub/a.gcode`. */
export function pathOf({ root, path }: FileLocation): string {
  return path === '' ? root : `${root}/${path}`
}
