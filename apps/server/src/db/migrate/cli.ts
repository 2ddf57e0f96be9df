import { startEmbeddedPostgres } from '../embedded/embedded-postgres.js'
import { EmbeddedPostgresError } from '../embedded/errors.js'

import { createMigration } from './create-migration.js'
import { MigrationError } from './errors.js'
import { deploy, drift, markRolledBack, status, type MigrateOptions } from './migrations.js'

const USAGE = `Usage: npm run prisma:migrate [-- COMMAND]
  deploy         apply the pending migrations (the default)
  status         compare the migrations with the database
  create NAME    write the migration from the existing ones to schema.prisma
  drift          compare schema.prisma with the database
  resolve NAME   note that a failed migration is not in the database`

export interface MigrateCommand {
  /** The words after the program's name. */
  arguments: string[]
  /** A server, or the data directory of the embedded one, which is started if it does not run. */
  database: { databaseUrl: string } | { dataDir: string }
  /** The folder with `schema.prisma` and `migrations/`. */
  prismaFolder: string
  print: (line: string) => void
}

/**
 * Runs one migration command.
 * @returns the exit code: 0 when all is well; 1 when the command failed, or found pending, unresolved or edited
 * migrations or drift; 2 for a command that does not exist
 */
export async function runMigrateCommand(command: MigrateCommand): Promise<number> {
  const [name = 'deploy', argument, ...rest] = command.arguments
  const action = actions.get(name)
  if (action === undefined || rest.length > 0 || needsArgument.has(name) !== (argument !== undefined)) {
    command.print(USAGE)
    return 2
  }
  try {
    return await withDatabase(command, (databaseUrl) =>
      action({ databaseUrl, prismaFolder: command.prismaFolder }, command.print, argument ?? ''),
    )
  } catch (error) {
    if (!(error instanceof MigrationError) && !(error instanceof EmbeddedPostgresError)) throw error
    command.print(`${error.code}: ${error.message}`)
    return 1
  }
}

type Action = (options: MigrateOptions, print: (line: string) => void, argument: string) => Promise<number>

const needsArgument = new Set(['create', 'resolve'])

const actions = new Map<string, Action>([
  ['deploy', runDeploy],
  ['status', runStatus],
  ['create', runCreate],
  ['drift', runDrift],
  ['resolve', runResolve],
])

async function withDatabase(command: MigrateCommand, work: (databaseUrl: string) => Promise<number>): Promise<number> {
  if ('databaseUrl' in command.database) return work(command.database.databaseUrl)
  const database = await startEmbeddedPostgres({ dataDir: command.database.dataDir, log: { info: () => undefined } })
  try {
    return await work(database.url)
  } finally {
    await database.stop()
  }
}

async function runDeploy(options: MigrateOptions, print: (line: string) => void): Promise<number> {
  const applied = await deploy(options)
  for (const name of applied) print(`applied ${name}`)
  if (applied.length === 0) print('The database is up to date.')
  return 0
}

async function runStatus(options: MigrateOptions, print: (line: string) => void): Promise<number> {
  const lines = Object.entries(await status(options)).flatMap(([state, names]: [string, string[]]) =>
    names.map((name) => `${state} ${name}`),
  )
  for (const line of lines) print(line)
  if (lines.length === 0) print('The database is up to date.')
  return lines.length === 0 ? 0 : 1
}

async function runCreate(options: MigrateOptions, print: (line: string) => void, name: string): Promise<number> {
  const folder = await createMigration(options, name)
  print(folder === null ? 'The migrations already lead to schema.prisma.' : `wrote migrations/${folder}/migration.sql`)
  return 0
}

async function runDrift(options: MigrateOptions, print: (line: string) => void): Promise<number> {
  const script = await drift(options)
  print(script ?? 'The database agrees with schema.prisma.')
  return script === null ? 0 : 1
}

async function runResolve(options: MigrateOptions, print: (line: string) => void, name: string): Promise<number> {
  await markRolledBack(options, name)
  print(`${name} will be tried again by the next deploy.`)
  return 0
}
