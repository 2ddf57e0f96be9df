import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { fileURLToPath } from 'node:url'

import { sourceArguments } from '../../processes/source-process.js'

const REAPER = fileURLToPath(new URL('./reaper.ts', import.meta.url))

/**
 * The processes of a bench. Each has a process group of its own; a small process beside the bench ends what is left of
 * them when the bench dies, however it dies, and removes their folder.
 */
export class Children {
  private readonly reaper: ChildProcess

  constructor(folder: string) {
    this.reaper = spawn(process.execPath, [...sourceArguments(REAPER), folder], {
      stdio: ['pipe', 'ignore', 'inherit'],
      detached: true,
    })
    this.reaper.stdin?.on('error', () => undefined)
  }

  /** Starts one of the repository's programs; what it says goes to `logFile`, standard error also to the caller. */
  spawn(args: string[], options: { logFile: string; env?: NodeJS.ProcessEnv; cwd: string }): ChildProcess {
    const child = spawn(process.execPath, args, {
      cwd: options.cwd,
      env: { ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    const log = createWriteStream(options.logFile, { flags: 'a' })
    child.stdout.pipe(log, { end: false })
    child.stderr.pipe(log, { end: false })
    child.once('close', () => log.end())
    const { pid } = child
    if (pid !== undefined) {
      this.tell(`group ${pid}`)
      child.once('exit', () => this.tell(`gone ${pid}`))
    }
    return child
  }

  /** A database server that is to end with the bench. */
  watchCluster(cluster: string): void {
    this.tell(`cluster ${cluster}`)
  }

  /** Ends whatever is left, and removes the folder. */
  async end(): Promise<void> {
    this.reaper.stdin?.end()
    if (this.reaper.exitCode === null) await once(this.reaper, 'exit')
  }

  private tell(line: string): void {
    this.reaper.stdin?.write(`${line}\n`)
  }
}

/** Sends a signal to a child and all that it started; nothing when it is gone. */
export const signalGroup = (child: ChildProcess, signal: NodeJS.Signals): void => {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  try {
    process.kill(-child.pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

export const ended = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
}
