import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const LAUNCHER = fileURLToPath(new URL('launch_host.py', import.meta.url))
const KEPT_LINES = 60
const POLL_MS = 100

/** A Python host under test, with everything it started. It dies with this process in any case. */
export class HostProcess {
  readonly #child: ChildProcess
  readonly #lines: string[] = []

  /** @param dataFolder removed when this process dies before it could do so itself */
  constructor(python: string, dataFolder: string, module: string, args: readonly string[]) {
    const child = spawn(python, [LAUNCHER, dataFolder, module, ...args], {
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'], LANG: 'C.UTF-8', PYTHONUNBUFFERED: '1' },
    })
    this.#child = child
    for (const input of [child.stdout, child.stderr]) {
      createInterface({ input }).on('line', (line) => {
        this.#lines.push(line)
        if (this.#lines.length > KEPT_LINES) this.#lines.shift()
      })
    }
    child.on('error', (error) => this.#lines.push(error.message))
  }

  /** Waits until `ready` answers true. @throws Error that quotes the host's last lines */
  async waitUntil(ready: () => Promise<boolean>, what: string, timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs
    while (!(await ready().catch(() => false))) {
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) this.#fail(`${what}: the host ended`)
      if (performance.now() > deadline) this.#fail(`${what}: not within ${timeoutMs} ms`)
      await delay(POLL_MS)
    }
  }

  /** Kills the whole group: its data is thrown away, so there is nothing to finish. */
  async stop(): Promise<void> {
    if (this.#child.pid === undefined || this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = once(this.#child, 'exit')
    process.kill(-this.#child.pid, 'SIGKILL')
    await ended
  }

  #fail(message: string): never {
    throw new Error(`${message}\n${this.#lines.join('\n')}`)
  }
}
