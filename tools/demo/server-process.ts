import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../../apps/server/src/main.ts', import.meta.url))
const READY = /running at (http:\S+)/
const START_MS = 60_000
const STOP_MS = 25_000

export interface DemoServer {
  url: string
  email: string
  password: string
  logFile: string
  stop(): Promise<void>
}

/** Starts the real server as a process of its own, with a private PostgreSQL in `dataDir`. */
export const startServer = async (dataDir: string): Promise<DemoServer> => {
  const email = 'admin@gantry.local'
  const password = randomBytes(9).toString('base64url')
  const logFile = join(dataDir, 'server.log')
  const child = spawn(process.execPath, ['--import', 'tsx', '--conditions=gantry-source', MAIN], {
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
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A Ctrl+C in the terminal goes to the demo, which stops the server in order.
    detached: true,
  })
  const log = createWriteStream(logFile)
  child.stdout.pipe(log)
  const url = await readyUrl(child, logFile)
  return { url, email, password, logFile, stop: () => stop(child) }
}

const readyUrl = (child: ChildProcess, logFile: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const said: string[] = []
    const fail = (why: string) =>
      reject(new Error(`The server ${why}. It said:\n${said.join('\n')}\nIts log is ${logFile}`))
    const timer = setTimeout(() => fail('was not ready in time'), START_MS)
    child.once('exit', (code) => fail(`ended with exit code ${String(code)}`))
    if (child.stderr === null) return
    createInterface({ input: child.stderr }).on('line', (line) => {
      said.push(line)
      const url = READY.exec(line)?.[1]
      if (url === undefined) return
      clearTimeout(timer)
      child.removeAllListeners('exit')
      resolve(url)
    })
  })

const stop = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve()
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
    child.once('exit', () => {
      clearTimeout(timer)
      resolve()
    })
    child.kill('SIGTERM')
  })
