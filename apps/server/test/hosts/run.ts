import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

export interface RunOptions {
  /** @default 60_000 */
  timeoutMs?: number
  onLine?: (line: string) => void
}

const KEPT_LINES = 40

/** Runs a program to its end and returns what it printed. @throws Error that quotes the last lines when it fails */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  const { timeoutMs = 60_000, onLine } = options
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: timeoutMs, killSignal: 'SIGKILL' })
    const lines: string[] = []
    const take = (line: string) => {
      lines.push(line)
      onLine?.(line)
    }
    createInterface({ input: child.stdout }).on('line', take)
    createInterface({ input: child.stderr }).on('line', take)
    child.once('error', reject)
    child.once('close', (code, signal) => {
      if (code === 0) {
        resolve(lines.join('\n'))
        return
      }
      const how = signal === null ? `code ${code}` : `signal ${signal}`
      reject(new Error(`${command} ${args.join(' ')} ended with ${how}:\n${lines.slice(-KEPT_LINES).join('\n')}`))
    })
  })
}
