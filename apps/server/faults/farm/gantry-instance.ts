import type { ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'

import { readyUrl, sourceArguments } from '../../processes/source-process.js'
import { ended, signalGroup, type Children } from './children.js'
import { eventually } from '../eventually.js'
import type { Address } from './tcp-proxy.js'

/** As it is installed, built: it starts in half the time that its sources take, and sixty of them start in an experiment. */
const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url))
const START_MS = 90_000
const LAST_CHARACTERS = 2_000

export interface InstanceOptions {
  name: string
  folder: string
  logFile: string
  children: Children
  environment: Record<string, string>
  /** Modules loaded before the server's own code. */
  preload: string[]
}

/** One process of Gantry, started again and again under the same name. */
export class GantryInstance {
  private child: ChildProcess | null = null
  private at: Address | null = null
  private failure: unknown = null
  private stopped = false
  /** Whoever sends the process a signal to end expects that it does. */
  private mayEnd: ChildProcess | null = null
  /** What its process said last, each time that it ended although nobody had asked it to. */
  readonly deaths: string[] = []

  constructor(private readonly options: InstanceOptions) {}

  get name(): string {
    return this.options.name
  }

  /** Where it listens; null while it is down, starting or frozen. */
  get address(): Address | null {
    return this.stopped ? null : this.at
  }

  /** Begins to start it; {@link ready} waits. */
  start(): void {
    const { children, environment, folder, logFile, preload } = this.options
    const child = children.spawn(preload.length === 0 ? [MAIN] : sourceArguments(MAIN, preload), {
      logFile,
      cwd: fileURLToPath(new URL('../..', import.meta.url)),
      env: { PATH: process.env['PATH'], HOME: folder, ...environment },
    })
    this.child = child
    this.failure = null
    const said = lastLines(child)
    child.once('exit', (code, signal) => {
      if (this.child === child) this.at = null
      if (this.mayEnd !== child) this.deaths.push(`${this.name} ended with ${signal ?? `code ${code}`}: ${said()}`)
    })
    readyUrl(child, START_MS).then(
      (url) => {
        if (this.child === child) this.at = addressOf(url)
      },
      (error: unknown) => {
        if (this.child === child) this.failure = error
      },
    )
  }

  /** @throws Error when the process ended instead, or takes too long */
  async ready(): Promise<void> {
    const look = () => {
      if (this.failure !== null) throw this.failure as Error
      return this.at !== null
    }
    await eventually(`${this.name} is ready`, look, { withinMs: START_MS })
  }

  /** `kill -9`. */
  async kill(): Promise<void> {
    this.at = null
    this.stopped = false
    if (this.child === null) return
    this.mayEnd = this.child
    signalGroup(this.child, 'SIGKILL')
    await ended(this.child)
  }

  /** An orderly stop. @returns the exit code */
  async terminate(): Promise<number | null> {
    const { child } = this
    if (child === null) return null
    this.mayEnd = child
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

/** What an error that nobody caught leaves on standard error. */
const lastLines = (child: ChildProcess): (() => string) => {
  let text = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    text = (text + chunk.toString()).slice(-LAST_CHARACTERS)
  })
  return () => text.trim()
}

const addressOf = (url: string): Address => {
  const { hostname, port } = new URL(url)
  return { host: hostname, port: Number(port) }
}
