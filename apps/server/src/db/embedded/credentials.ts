import { randomBytes } from 'node:crypto'
import { open, readFile, rename, stat } from 'node:fs/promises'
import path from 'node:path'

import { z } from 'zod'

import { EmbeddedPostgresError, isSystemError } from './errors.js'

/** The superuser, used only to provision; the application never connects as it. */
export const ADMIN_ROLE = 'postgres'
/** Role and database of the application. */
export const APPLICATION_ROLE = 'gantry'

const credentialsSchema = z.strictObject({
  adminPassword: z.string().min(1),
  password: z.string().min(1),
  /** The port of the last start, preferred for the next one; null before the first. */
  lastPort: z.int().min(1).max(65_535).nullable(),
})

export type Credentials = z.infer<typeof credentialsSchema>

/**
 * Reads the credentials file, or null when there is none.
 * @throws EmbeddedPostgresError `credentials_invalid`
 */
export async function readCredentials(file: string): Promise<Credentials | null> {
  try {
    return credentialsSchema.parse(JSON.parse(await readFile(file, 'utf8')))
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return null
    const message = `The database's credentials in ${file} cannot be read. Restore the file from a backup.`
    throw new EmbeddedPostgresError('credentials_invalid', message, { cause: error })
  }
}

export function newCredentials(): Credentials {
  const password = () => randomBytes(24).toString('hex')
  return { adminPassword: password(), password: password(), lastPort: null }
}

/** Replaces the file as a whole (mode 600), so that a kill leaves the old or the new one. */
export async function writeCredentials(file: string, credentials: Credentials): Promise<void> {
  const temporary = `${file}.${randomBytes(6).toString('hex')}.tmp`
  const handle = await open(temporary, 'wx', 0o600)
  try {
    await handle.writeFile(`${JSON.stringify(credentials, null, 2)}\n`)
    // One start as root must not lock the directory's owner out.
    const { uid, gid } = await stat(path.dirname(file))
    if (process.getuid?.() === 0) await handle.chown(uid, gid)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(temporary, file)
}
