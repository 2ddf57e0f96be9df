import { access, constants, mkdir, realpath } from 'node:fs/promises'
import path from 'node:path'

import { EmbeddedPostgresError, isSystemError } from './errors.js'

/** Where the embedded PostgreSQL keeps its things inside Gantry's data directory. */
export interface EmbeddedLayout {
  /** Holds all the rest. */
  root: string
  /** PostgreSQL's own data directory; it exists only when initdb has finished. */
  cluster: string
  lock: string
  clients: string
  credentials: string
  log: string
}

/**
 * Makes the folders and returns their real paths.
 * @throws EmbeddedPostgresError `directory_unusable`
 */
export async function prepareLayout(dataDir: string): Promise<EmbeddedLayout> {
  try {
    const root = path.join(dataDir, 'postgres')
    // As root the database runs as another user, who must be able to pass through to its cluster.
    await mkdir(root, { recursive: true, mode: process.getuid?.() === 0 ? 0o711 : 0o700 })
    const layout = layoutAt(await realpath(root))
    for (const folder of [layout.lock, layout.clients]) {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      await access(folder, constants.R_OK | constants.W_OK | constants.X_OK)
    }
    return layout
  } catch (error) {
    if (!isSystemError(error, 'EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'ENOTDIR', 'EEXIST', 'ELOOP')) throw error
    const message = `The data directory ${dataDir} cannot be used (${error.message}). Choose another with GANTRY_DATA_DIR.`
    throw new EmbeddedPostgresError('directory_unusable', message, { cause: error })
  }
}

function layoutAt(root: string): EmbeddedLayout {
  return {
    root,
    cluster: path.join(root, 'cluster'),
    lock: path.join(root, 'lock'),
    clients: path.join(root, 'clients'),
    credentials: path.join(root, 'credentials.json'),
    log: path.join(root, 'postgres.log'),
  }
}
