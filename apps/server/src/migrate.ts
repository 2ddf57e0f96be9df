import { explainFailure } from './app/explain-failure.js'
import { PRISMA_FOLDER } from './app/installation.js'
import { loadConfig } from './config/config.js'
import { runMigrateCommand } from './db/migrate/cli.js'

try {
  const { database, dataDir } = loadConfig()
  process.exitCode = await runMigrateCommand({
    arguments: process.argv.slice(2),
    database: database.url === null ? { dataDir } : { databaseUrl: database.url },
    prismaFolder: PRISMA_FOLDER,
    print: (line) => process.stdout.write(`${line}\n`),
  })
} catch (error) {
  process.stderr.write(explainFailure(error))
  process.exitCode = 1
}
