import type { ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

import { ended, signalGroup, type Children } from './children.js'
import { eventually } from '../eventually.js'
import type { Address } from './tcp-proxy.js'

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const SHORT_LEASE_MAIN = fileURLToPath(new URL('./short-lease-server.ts', import.meta.url))
const READY = /running at (http:\S+)/
const START_MS = 90_000

export interface InstanceOptions {
  name: string
  folder: string
  logFile: string
  children: Children
  environment: Record<string, string>
  /** Modules loaded before the server's own code. */
  preload: string[]
  shortLeases: boolean
}

/** One process of Gantry, started again and again under the same name. */
export class GantryInstance {
  private child: ChildProcess | null = null
  private at: Address | null = null
  private stopped = false

  constructor(private readonly options: InstanceOptions) {}

  get name(): string {
    return this.options.name
  }

  /** Where it listens; null while it is down, starting or frozen. */
  get address(): Address | null {
    return this.stopped ? null : this.at
  }

  get isUp(): boolean {
    return this.at !== null
  }

  /** Begins to start it; {@link ready} waits. */
  start(): void {
    const { children, environment, folder, logFile, preload, shortLeases } = this.options
    const imports = ['tsx', ...preload].flatMap((module) => ['--import', module])
    const child = children.spawn([...imports, '--conditions=gantry-source', shortLeases ? SHORT_LEASE_MAIN : MAIN], {
      logFile,
      cwd: fileURLToPath(new URL('../..', import.meta.url)),
      env: { PATH: process.env['PATH'], HOME: folder, ...environment },
    })
    this.child = child
    child.once('exit', () => {
      if (this.child === child) this.at = null
    })
    if (child.stderr === null) throw new Error('an instance has no standard error')
    createInterface({ input: child.stderr }).on('line', (line) => {
      const url = READY.exec(line)?.[1]
      if (url !== undefined && this.child === child) this.at = addressOf(url)
    })
  }

  /** @throws Error when the process ends instead, or takes too long */
  async ready(): Promise<void> {
    await eventually(
      `${this.name} is ready`,
      () => {
        const { child } = this
        if (child === null || child.exitCode !== null)
          throw new Error(`${this.name} ended with code ${child?.exitCode ?? 'none'} instead of getting ready`)
        return this.isUp
      },
      { withinMs: START_MS },
    )
  }

  /** `kill -9`. */
  async kill(): Promise<void> {
    this.at = null
    this.stopped = false
    if (this.child === null) return
    signalGroup(this.child, 'SIGKILL')
    await ended(this.child)
  }

  /** An orderly stop. @returns the exit code */
  async terminate(): Promise<number | null> {
    const { child } = this
    if (child === null) return null
    signalGroup(child, 'SIGTERM')
    await ended(child)
    return child.exitCode
  }

  /** The process stands still, and the load balancer notices. */
  freeze(): void {
    if (this.child === null) return
    this.stopped = true
    signalGroup(this.child, 'SIGSTOP')
  }

  thaw(): void {
    if (this.child === null) return
    signalGroup(this.child, 'SIGCONT')
    this.stopped = false
  }
}

const addressOf = (url: string): Address => {
  const { hostname, port } = new URL(url)
  return { host: hostname, port: Number(port) }
}
