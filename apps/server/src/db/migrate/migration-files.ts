import { readFile, readdir } from 'node:fs/promises'
import path from 'node:path'

import type { MigrationList, SchemasContainer } from '@prisma/schema-engine-wasm/schema_engine_bg'

import { MigrationError } from './errors.js'

export const LOCK_FILE = 'migration_lock.toml'
export const MIGRATION_FILE = 'migration.sql'

/** @throws MigrationError `files_unreadable` */
export async function readSchema(folder: string): Promise<SchemasContainer> {
  const file = schemaFile(folder)
  return { files: [{ path: file, content: await read(file) }] }
}

/** @throws MigrationError `files_unreadable` */
export async function readMigrations(folder: string): Promise<MigrationList> {
  const baseDir = migrationsFolder(folder)
  const names = await migrationNames(folder)
  const content = names.length > 0 ? await read(path.join(baseDir, LOCK_FILE)) : null
  const directories = names.map(async (name) => {
    const value = await read(path.join(baseDir, name, MIGRATION_FILE))
    return { path: name, migrationFile: { path: MIGRATION_FILE, content: { tag: 'ok' as const, value } } }
  })
  return {
    baseDir,
    lockfile: { path: LOCK_FILE, content },
    shadowDbInitScript: '',
    migrationDirectories: await Promise.all(directories),
  }
}

/** In the order in which they are applied; none when there is no folder yet. */
export async function migrationNames(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(migrationsFolder(folder), { withFileTypes: true })
    return entries
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name)
      .sort()
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw new MigrationError('files_unreadable', `The migrations in ${folder} cannot be read.`, { cause: error })
  }
}

export function schemaFile(folder: string): string {
  return path.resolve(folder, 'schema.prisma')
}

export function migrationsFolder(folder: string): string {
  return path.resolve(folder, 'migrations')
}

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new MigrationError('files_unreadable', `${file} cannot be read.`, { cause: error })
  }
}
