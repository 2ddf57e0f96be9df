import { randomBytes } from 'node:crypto'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'

import { withConnection } from './connection.js'
import { MigrationError } from './errors.js'
import { LOCK_FILE, MIGRATION_FILE, migrationsFolder } from './migration-files.js'
import { deploy, drift, type MigrateOptions } from './migrations.js'

const NAME = /^[a-z0-9][a-z0-9_]{0,99}$/

/**
 * Writes the migration that leads from the existing ones to `schema.prisma`. It is computed in a database made for the
 * purpose on the same server, so the database of the options is neither read nor changed.
 *
 * @param name - lower case letters, digits and `_`
 * @returns the new folder's name; null when the migrations already lead to the schema
 * @throws MigrationError
 */
export async function createMigration(
  options: MigrateOptions,
  name: string,
  now: () => Date = () => new Date(),
): Promise<string | null> {
  if (!NAME.test(name)) {
    throw new MigrationError('files_unreadable', `"${name}" is no name for a migration: use a-z, 0-9 and _.`)
  }
  const script = await withScratchDatabase(options.databaseUrl, async (databaseUrl) => {
    await deploy({ ...options, databaseUrl })
    return drift({ ...options, databaseUrl })
  })
  if (script === null) return null
  const stamp = now().toISOString().replaceAll(/\D/g, '').slice(0, 14)
  const folderName = `${stamp}_${name}`
  await writeMigration(migrationsFolder(options.prismaFolder), folderName, script)
  return folderName
}

async function withScratchDatabase<T>(databaseUrl: string, work: (url: string) => Promise<T>): Promise<T> {
  return withConnection(databaseUrl, async (client) => {
    const name = `gantry_scratch_${randomBytes(6).toString('hex')}`
    await client.query(`CREATE DATABASE ${name}`)
    try {
      const url = new URL(databaseUrl)
      url.pathname = `/${name}`
      return await work(url.href)
    } finally {
      await client.query(`DROP DATABASE ${name} WITH (FORCE)`)
    }
  })
}

/** The folder appears with its file in it or not at all. */
async function writeMigration(folder: string, name: string, script: string): Promise<void> {
  const unfinished = path.join(path.dirname(folder), `.migration-${randomBytes(6).toString('hex')}`)
  try {
    await mkdir(folder, { recursive: true })
    await mkdir(unfinished)
    await writeFile(path.join(unfinished, MIGRATION_FILE), script)
    await writeFile(path.join(folder, LOCK_FILE), 'provider = "postgresql"\n')
    await rename(unfinished, path.join(folder, name))
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true })
    throw new MigrationError('files_unreadable', `The migration could not be written to ${folder}.`, { cause: error })
  }
}
