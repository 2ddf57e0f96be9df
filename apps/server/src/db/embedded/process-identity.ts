import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'

import { EmbeddedPostgresError, isSystemError } from './errors.js'

const run = promisify(execFile)
const PS_TIMEOUT_MILLISECONDS = 5_000

/**
 * A mark that distinguishes this run of a pid from every other process that ever had the same number: null when no
 * such process runs (a zombie does not run). Only `[0-9A-Za-z-]`, so that it can be part of a file name.
 */
export function startMark(pid: number): Promise<string | null> {
  return process.platform === 'linux' ? linuxStartMark(pid) : psStartMark(pid)
}

/** The command line of a running process, joined by spaces; null when it is gone. */
export async function commandLine(pid: number): Promise<string | null> {
  if (process.platform !== 'linux') return ps(pid, 'command=')
  const text = await readProcFile(`/proc/${pid}/cmdline`)
  return text === null ? null : text.replaceAll('\0', ' ').trim()
}

async function linuxStartMark(pid: number): Promise<string | null> {
  const stat = await readProcFile(`/proc/${pid}/stat`)
  if (stat === null) return null
  // The second field is the program's name in brackets and may itself hold blanks and brackets.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state, startTicks] = [fields[0], fields[19]]
  if (state === 'Z' || state === 'X' || startTicks === undefined) return null
  // Ticks count from boot, so the same pid may start at the same tick after a reboot.
  const bootId = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).slice(0, 8)
  return `${bootId}-${startTicks}`
}

async function psStartMark(pid: number): Promise<string | null> {
  const line = await ps(pid, 'stat=,lstart=')
  if (line === null || line.startsWith('Z')) return null
  return line.replace(/^\S+\s+/, '').replaceAll(/[^0-9A-Za-z]+/g, '-')
}

async function readProcFile(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ESRCH')) return null
    throw error
  }
}

async function ps(pid: number, columns: string): Promise<string | null> {
  if (process.platform === 'win32') {
    throw new EmbeddedPostgresError(
      'unsupported_platform',
      'The embedded PostgreSQL runs on Linux and macOS. Set DATABASE_URL to a PostgreSQL server instead.',
    )
  }
  const options = { env: { LC_ALL: 'C', TZ: 'UTC', PATH: '/usr/bin:/bin' }, timeout: PS_TIMEOUT_MILLISECONDS }
  try {
    const { stdout } = await run('ps', ['-ww', '-o', columns, '-p', String(pid)], options)
    return stdout.trim() || null
  } catch (error) {
    // ps answers 1 for a pid that nobody has.
    if (error instanceof Error && 'code' in error && error.code === 1) return null
    throw error
  }
}
