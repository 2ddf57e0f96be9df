import type { ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'

import { sourceArguments } from '../../processes/source-process.js'
import { eventually } from '../eventually.js'
import { ended, signalGroup, type Children } from '../farm/children.js'
import type { WorkerOrder } from './trial-job.js'

const PROGRAM = fileURLToPath(new URL('./worker.ts', import.meta.url))
const START_MS = 90_000

/** One process of workers, started again and again under the same name. */
export class WorkerProcess {
  /** Each time that it ended although nobody had asked it to. */
  readonly deaths: string[] = []
  private child: ChildProcess | null = null
  private mayEnd: ChildProcess | null = null
  private working = false

  constructor(
    readonly name: string,
    private readonly options: { children: Children; logFile: string; order: WorkerOrder },
  ) {}

  get pid(): number | undefined {
    return this.child?.pid
  }

  /** Begins to start it; {@link ready} waits. */
  start(): void {
    const { children, logFile, order } = this.options
    const child = children.spawn([...sourceArguments(PROGRAM), JSON.stringify(order)], {
      logFile,
      cwd: fileURLToPath(new URL('../..', import.meta.url)),
      env: { PATH: process.env['PATH'] },
    })
    this.child = child
    this.working = false
    child.stdout?.on('data', () => {
      if (this.child === child) this.working = true
    })
    child.once('exit', (code, signal) => {
      if (this.mayEnd !== child) this.deaths.push(`${this.name} ended with ${signal ?? `code ${code}`}`)
    })
  }

  async ready(): Promise<void> {
    await eventually(`${this.name} works`, () => this.working, { withinMs: START_MS })
  }

  /** `kill -9`. */
  async kill(): Promise<void> {
    await this.end('SIGKILL')
  }

  /** SIGTERM, once it works: before, there is nothing to stop in order. @returns how many milliseconds it took to end */
  async stop(): Promise<number> {
    await this.ready()
    const began = performance.now()
    const child = await this.end('SIGTERM')
    if (child !== null && child.exitCode !== 0) this.deaths.push(`${this.name} did not stop in order`)
    return performance.now() - began
  }

  private async end(signal: NodeJS.Signals): Promise<ChildProcess | null> {
    const { child } = this
    this.mayEnd = child
    if (child === null) return null
    signalGroup(child, signal)
    await ended(child)
    return child
  }
}
