import { spawn } from 'node:child_process'

/** How to start one program: what `child_process.spawn` needs to know. */
export interface Launch {
  command: string
  args: string[]
  uid?: number
  gid?: number
}

const KEPT_OUTPUT_CHARACTERS = 8_000

/** Nothing of our own environment reaches PostgreSQL: PGDATA, PGPORT or a locale would change what it does. */
export const postgresEnvironment = { LC_ALL: 'C', TZ: 'UTC', PATH: '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin' }

/**
 * Runs a program to its end.
 * @returns its exit code (null when a signal ended it) and the end of its output
 * @throws the system's error when it cannot be started
 */
export function runProgram(
  launch: Launch,
  { timeoutSeconds, cwd = '/' }: { timeoutSeconds: number; cwd?: string },
): Promise<{ exitCode: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(launch.command, launch.args, {
      cwd,
      env: postgresEnvironment,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: timeoutSeconds * 1000,
      killSignal: 'SIGKILL',
      ...(launch.uid !== undefined && { uid: launch.uid }),
      ...(launch.gid !== undefined && { gid: launch.gid }),
    })
    let output = ''
    const keep = (chunk: Buffer) => (output = (output + chunk.toString()).slice(-KEPT_OUTPUT_CHARACTERS))
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    child.once('error', reject)
    child.once('close', (exitCode) => resolve({ exitCode, output }))
  })
}
