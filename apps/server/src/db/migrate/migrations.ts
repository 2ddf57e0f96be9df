import type {
  DiffResult,
  MigrationList,
  SchemaEngine,
  SchemasContainer,
} from '@prisma/schema-engine-wasm/schema_engine_bg'

import { withEngine, type SessionOptions } from './engine-session.js'
import { MigrationError } from './errors.js'
import { settleInterrupted } from './interrupted.js'
import { readMigrations, readSchema } from './migration-files.js'
import { isUpToDate } from './up-to-date.js'

export interface MigrateOptions extends SessionOptions {
  /** The folder with `schema.prisma` and `migrations/`. */
  prismaFolder: string
}

export interface MigrationStatus {
  /** In the folder, not yet in the database. */
  pending: string[]
  /** Failed or interrupted, waiting for `resolve`. */
  unresolved: string[]
  /** Changed after they were applied. */
  edited: string[]
  /** In the database, not in the folder: a newer version of Gantry has been here. */
  unknown: string[]
}

/** No table and no enum is somebody else's. */
const filters = { externalTables: [], externalEnums: [] }

/**
 * Applies the pending migrations, as `prisma migrate deploy` would. Each is one transaction. Of several processes that
 * do this at once one applies, and the others wait and find nothing to do.
 *
 * @returns the names of the migrations that were applied now
 * @throws MigrationError
 */
export async function deploy(options: MigrateOptions): Promise<string[]> {
  const [schema, migrationsList] = await readFolder(options)
  if (await isUpToDate(options.databaseUrl, migrationsList)) return []
  await settleInterrupted({ lockTimeoutSeconds: 60, ...options }, migrationsList)
  const applied = await withEngine(options, schema, async (engine) => {
    refuseEdited((await diagnose(engine, migrationsList)).editedMigrationNames)
    return (await engine.applyMigrations({ migrationsList, filters })).appliedMigrationNames
  })
  await tidyUp(options, migrationsList)
  return applied
}

/**
 * Compares the folder with the database and changes nothing.
 * @throws MigrationError
 */
export async function status(options: MigrateOptions): Promise<MigrationStatus> {
  const [schema, migrationsList] = await readFolder(options)
  return withEngine(options, schema, async (engine) => {
    const { history, ...found } = await diagnose(engine, migrationsList)
    return {
      pending: history !== null && 'unappliedMigrationNames' in history ? history.unappliedMigrationNames : [],
      unresolved: found.failedMigrationNames,
      edited: found.editedMigrationNames,
      unknown: history !== null && 'unpersistedMigrationNames' in history ? history.unpersistedMigrationNames : [],
    }
  })
}

/**
 * The SQL that would bring the database as it is to `schema.prisma`; null when they agree.
 * @throws MigrationError
 */
export async function drift(options: MigrateOptions): Promise<string | null> {
  const schema = await readSchema(options.prismaFolder)
  return withEngine(options, schema, async (engine) => {
    const difference: DiffResult = await engine.diff({
      from: { tag: 'schemaDatasource', ...schema, configDir: options.prismaFolder },
      to: { tag: 'schemaDatamodel', ...schema },
      script: true,
      exitCode: true,
      filters,
    })
    return difference.exitCode === 0 ? null : difference.stdout
  })
}

/**
 * Notes that a failed migration is not in the database, so that the next `deploy` tries it again.
 * @throws MigrationError
 */
export async function markRolledBack(options: MigrateOptions, migrationName: string): Promise<void> {
  const schema = await readSchema(options.prismaFolder)
  await withEngine(options, schema, (engine) => engine.markMigrationRolledBack({ migrationName }))
}

/** Whoever migrates meanwhile holds the lock, and tidies up afterwards. */
async function tidyUp({ databaseUrl }: MigrateOptions, migrationsList: MigrationList): Promise<void> {
  try {
    await settleInterrupted({ databaseUrl, lockTimeoutSeconds: 2 }, migrationsList)
  } catch (error) {
    if (!(error instanceof MigrationError) || error.code !== 'lock_timeout') throw error
  }
}

async function readFolder({ prismaFolder }: MigrateOptions): Promise<[SchemasContainer, MigrationList]> {
  return [await readSchema(prismaFolder), await readMigrations(prismaFolder)]
}

function diagnose(engine: SchemaEngine, migrationsList: MigrationList) {
  return engine.diagnoseMigrationHistory({ migrationsList, optInToShadowDatabase: false, filters })
}

function refuseEdited(migrations: string[]): void {
  if (migrations.length === 0) return
  throw new MigrationError(
    'migration_edited',
    `Changed after having been applied: ${migrations.join(', ')}. Restore the files and make a new migration instead.`,
    { migrations },
  )
}
