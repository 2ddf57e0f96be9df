import { randomBytes } from 'node:crypto'
import { chown, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'

import { Deadline } from './deadline.js'
import { isSystemError } from './errors.js'
import { commandLine, startMark } from './process-identity.js'

/** A server process that runs on our cluster. */
export interface LivePostmaster {
  pid: number
  /** Null until the server has written it. */
  port: number | null
  /** As in `startMark`: tells whether the pid is still this very process. */
  mark: string
}

export type PostmasterState =
  | { kind: 'absent' }
  /**
   * The file names a process that is gone or is not the server of this cluster. It obstructs when PostgreSQL would not
   * clear it by itself.
   */
  | { kind: 'stale'; obstructs: boolean }
  | { kind: 'live'; postmaster: LivePostmaster }

/** No system gives such a pid (the largest on Linux is 4194304), so no process ever answers to it. */
const NOBODY = 2_147_483_646

/** Reads `postmaster.pid` and finds out whether the process it names is the server of this cluster. */
export async function inspectPostmaster(cluster: string): Promise<PostmasterState> {
  const lines = await readSettled(fileIn(cluster))
  if (lines === null) return { kind: 'absent' }
  const pid = Number.parseInt(lines[0] ?? '', 10)
  if (!(pid > 0)) return { kind: 'stale', obstructs: true }
  const mark = await startMark(pid)
  const command = mark === null ? null : await commandLine(pid)
  if (mark === null || command === null || !isServerOf(cluster, command)) {
    return { kind: 'stale', obstructs: isPidTaken(pid) }
  }
  const port = Number.parseInt(lines[3] ?? '', 10)
  return { kind: 'live', postmaster: { pid, mark, port: port > 0 ? port : null } }
}

/** True while the pid is still the process that was inspected. */
export async function isRunning(postmaster: LivePostmaster): Promise<boolean> {
  return (await startMark(postmaster.pid)) === postmaster.mark
}

/**
 * Makes a stale file harmless. PostgreSQL refuses to start while any process of its user has the pid in the file, also
 * an unrelated one or an unreaped zombie. The file is not removed: its shared memory key is what lets PostgreSQL notice
 * that workers of a killed server are still alive.
 */
export async function disarmStaleFile(cluster: string): Promise<void> {
  const file = fileIn(cluster)
  const lines = await readLines(file)
  if (lines === null) return
  if (!(Number.parseInt(lines[0] ?? '', 10) > 0)) {
    await rm(file, { force: true })
    return
  }
  const { uid, gid } = await stat(cluster)
  const temporary = `${file}.${randomBytes(6).toString('hex')}`
  await writeFile(temporary, [String(NOBODY), ...lines.slice(1)].join('\n'), { flag: 'wx', mode: 0o600 })
  if (process.getuid?.() === 0) await chown(temporary, uid, gid)
  await rename(temporary, file)
}

function fileIn(cluster: string): string {
  return path.join(cluster, 'postmaster.pid')
}

function isServerOf(cluster: string, command: string): boolean {
  // Its workers are named "postgres: …" and carry no arguments.
  return command.includes('postgres') && `${command} `.includes(` -D ${cluster} `)
}

function isPidTaken(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return !isSystemError(error, 'ESRCH')
  }
}

/** PostgreSQL creates the file and then fills it; give a server that is just starting the time to do so. */
async function readSettled(file: string): Promise<string[] | null> {
  let lines: string[] | null = null
  await new Deadline(1).poll(async () => {
    lines = await readLines(file)
    return lines === null || lines.length > 1 ? true : undefined
  })
  return lines
}

async function readLines(file: string): Promise<string[] | null> {
  try {
    return (await readFile(file, 'utf8')).split('\n')
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return null
    throw error
  }
}
