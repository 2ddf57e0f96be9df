import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { endProcess, readyUrl, sourceArguments } from '../../apps/server/processes/source-process.js'

const MAIN = fileURLToPath(new URL('../../apps/server/src/main.ts', import.meta.url))
const STOP_MS = 25_000

export interface DemoServer {
  url: string
  email: string
  password: string
  logFile: string
  stop(): Promise<void>
}

/**
 * Starts the real server as a process of its own, with a private PostgreSQL in `dataDir` unless the environment names
 * another.
 */
export const startServer = async (dataDir: string, environment: Record<string, string>): Promise<DemoServer> => {
  const email = 'admin@gantry.local'
  const password = randomBytes(9).toString('base64url')
  const logFile = join(dataDir, 'server.log')
  const child = spawn(process.execPath, sourceArguments(MAIN), {
    env: {
      ...process.env,
      ...{
        GANTRY_DATA_DIR: dataDir,
        PORT: '0',
        HOST: '127.0.0.1',
        DATABASE_URL: '',
        LOG_LEVEL: 'info',
        API_DOCS_PUBLIC: 'true',
      },
      ...{
        GANTRY_ADMIN_EMAIL: email,
        GANTRY_ADMIN_PASSWORD: password,
        PRINTER_ALLOW_LOOPBACK: 'true',
        RATE_LIMIT_PER_MINUTE: '6000',
      },
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A Ctrl+C in the terminal goes to the demo, which stops the server in order.
    detached: true,
  })
  const log = createWriteStream(logFile)
  child.stdout.pipe(log)
  const url = await readyUrl(child)
  return { url, email, password, logFile, stop: () => endProcess(child, STOP_MS) }
}
