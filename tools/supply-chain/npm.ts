import { spawn } from 'node:child_process'

const DEADLINE_MS = 90_000

/** What npm writes to its standard output, whatever its exit code. @throws Error when it does not end in time */
export const npm = (repository: string, ...words: string[]): Promise<string> => {
  const child = spawn('npm', words, { cwd: repository, stdio: ['ignore', 'pipe', 'ignore'], timeout: DEADLINE_MS })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (_code, signal) => {
      if (signal === null) resolve(output)
      else reject(new Error(`npm ${words.join(' ')} was ended by ${signal} after ${DEADLINE_MS / 1_000} s at most`))
    })
  })
}
