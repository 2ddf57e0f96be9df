import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { endProcess, readyUrl, sourceArguments as argumentsOf } from '../processes/source-process.js'
import type { ServerReading } from './server-probe.js'

const pathOf = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))
const EMAIL = 'bench@gantry.local'

/** Node's arguments for running a file of the repository, named from here. */
export const sourceArguments = (file: string, preload: string[] = []): string[] =>
  argumentsOf(pathOf(file), preload.map(pathOf))

export interface BenchServer {
  url: string
  dataDir: string
  /** With the admin's token. @throws when the answer is no success */
  call(method: string, path: string, body?: unknown): Promise<unknown>
  headers: { authorization: string }
  read(): Promise<ServerReading>
  stop(): Promise<void>
  /** `kill -9`. */
  kill(): Promise<void>
}

const environment = (dataDir: string, password: string, more: Record<string, string>): NodeJS.ProcessEnv => ({
  ...process.env,
  GANTRY_DATA_DIR: dataDir,
  PORT: '0',
  DATABASE_URL: '',
  LOG_LEVEL: 'info',
  GANTRY_ADMIN_EMAIL: EMAIL,
  GANTRY_ADMIN_PASSWORD: password,
  // In place and counting, only out of the way.
  RATE_LIMIT_PER_MINUTE: '1000000',
  PRINTER_ALLOW_LOOPBACK: 'true',
  SHUTDOWN_DRAIN_SECONDS: '0',
  ...more,
})

interface ServerOptions {
  /** Files that are loaded before the server's own code. */
  preload?: string[]
  /** Where its log goes. @default nowhere */
  stdout?: number | 'ignore'
}

/** Starts the real server on an embedded PostgreSQL of its own. */
export const startServer = async (
  more: Record<string, string> = {},
  { preload = [], stdout = 'ignore' }: ServerOptions = {},
): Promise<BenchServer> => {
  const dataDir = await mkdtemp(join(tmpdir(), 'gantry-bench-'))
  await chmod(dataDir, 0o755) // the database's own user must get through when root runs this
  const password = more['GANTRY_ADMIN_PASSWORD'] ?? randomBytes(12).toString('base64url')
  const child = spawn(process.execPath, sourceArguments('../src/main.ts', ['./server-probe.ts', ...preload]), {
    env: environment(dataDir, password, more),
    stdio: ['ignore', stdout, 'pipe', 'ipc'],
  })
  const stop = async () => {
    await endProcess(child)
    await rm(dataDir, { recursive: true, force: true })
  }
  try {
    const url = await readyUrl(child)
    const token = await login(url, password)
    const headers = { authorization: `Bearer ${token}` }
    const call = (method: string, path: string, body?: unknown) => send(url + path, method, headers, body)
    const kill = () => {
      child.kill('SIGKILL')
      return stop()
    }
    return { url, dataDir, call, headers, read: () => ask(child), stop, kill }
  } catch (error) {
    await stop()
    throw error
  }
}

const send = async (url: string, method: string, headers: Record<string, string>, body?: unknown): Promise<unknown> => {
  const content = body === undefined ? {} : { body: JSON.stringify(body) }
  const type = { ...headers, 'content-type': 'application/json' }
  const response = await fetch(url, { method, headers: type, ...content, signal: AbortSignal.timeout(60_000) })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${url} answered ${response.status}: ${text}`)
  return text === '' ? null : (JSON.parse(text) as unknown)
}

const login = async (url: string, password: string): Promise<string> => {
  const answer = await send(`${url}/api/auth/login`, 'POST', {}, { email: EMAIL, password })
  return (answer as { accessToken: string }).accessToken
}

/** Reads the probe of a process. */
export const ask = async (child: ChildProcess): Promise<ServerReading> => {
  const reply = once(child, 'message')
  child.send('read')
  return ((await reply) as [ServerReading])[0]
}
