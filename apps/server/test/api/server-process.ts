import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'

import { vi } from 'vitest'

export const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
// Found from here, since the server runs in the data folder: no `.env` of the developer's shall reach it.
const TSX = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
const READY = /Gantry is running at (http:\/\/\S+)/
/** Of the line in the log; a process without the role `api` has no URL to show. */
const INSTANCE = /"instanceId":"([\w-]+)".*"msg":"Gantry is ready"/
/** A quiet machine takes three seconds. */
const START_MS = 60_000

export interface ServerProcess {
  child: ChildProcess
  /** What stands on the terminal so far. */
  terminal: () => string
  /** Resolves with the URL. @throws Error with what stands on the terminal when the process ends before */
  ready: () => Promise<string>
  /** Resolves when it works, whatever its roles, with the name under which it drives printers. @throws the same */
  instance: () => Promise<string>
  /** How the process ended: the exit code, or the signal's name. */
  over: Promise<number | string>
}

const killed = async (child: ChildProcess) => {
  if (child.exitCode === null && child.signalCode === null && child.kill('SIGKILL')) await once(child, 'exit')
}

/** Servers as users start them, in one data folder, with settings from the environment alone. */
export class ServerProcesses {
  private readonly children = new Set<ChildProcess>()

  constructor(private readonly dataDir: string) {}

  /** @param preloads URLs of modules that the process loads before the server; they talk to the test over IPC */
  start(settings: Record<string, string> = {}, preloads: readonly string[] = []): ServerProcess {
    const { dataDir } = this
    const imports = [TSX, ...preloads].flatMap((url) => ['--import', url])
    const child = spawn(process.execPath, [...imports, '--conditions=gantry-source', MAIN], {
      cwd: dataDir,
      stdio: ['ignore', 'pipe', 'pipe', ...(preloads.length > 0 ? (['ipc'] as const) : [])],
      env: {
        ...{ PATH: process.env['PATH'], HOME: process.env['HOME'], NODE_PATH: '' },
        ...{ GANTRY_DATA_DIR: dataDir, PORT: '0', LOG_LEVEL: 'info', SHUTDOWN_DRAIN_SECONDS: '0' },
        ...settings,
      },
    })
    this.children.add(child)
    let terminal = ''
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (text: Buffer) => (terminal += text.toString()))
    const over = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | string)
    const said = async (sign: RegExp) => {
      const isSaid = () => sign.test(terminal) || child.exitCode !== null
      const isInTime = await vi.waitUntil(isSaid, { timeout: START_MS, interval: 20 }).catch(() => false)
      if (!isInTime) throw new Error(`the server was not ready in time: ${terminal}`)
      const match = sign.exec(terminal)
      if (match === null) throw new Error(`the server did not start: ${terminal}`)
      return match
    }
    const ready = async () => (await said(READY))[1] ?? ''
    const instance = async () => (await said(INSTANCE))[1] ?? ''
    return { child, terminal: () => terminal, ready, instance, over }
  }

  /** Ends what still runs, without asking. */
  async killAll(): Promise<void> {
    for (const child of this.children) await killed(child)
    this.children.clear()
  }
}

/** Asks a server to stop. */
export const terminated = async ({ child, over }: ServerProcess) => {
  const began = performance.now()
  child.kill('SIGTERM')
  const ending = await over
  return { ending, seconds: (performance.now() - began) / 1_000 }
}
