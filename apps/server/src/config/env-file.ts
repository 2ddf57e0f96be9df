import { readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'

import { ConfigError } from './read-settings.js'

/**
 * The variables of a `.env` file; none when there is no such file.
 * @throws ConfigError when the file exists but cannot be read
 */
export const readEnvFile = (path: string): Readonly<Record<string, string | undefined>> => {
  try {
    return parseEnv(readFileSync(path, 'utf8'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {}
    throw new ConfigError([`${path} cannot be read: ${(error as Error).message}`])
  }
}
