import { existsSync } from 'node:fs'
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { run } from './run.js'

/** Prints one line of progress on the terminal. */
export type Progress = (line: string) => void

export interface PythonPackage {
  name: string
  version: string
}

export interface Python {
  command: string
  /** Such as `3.11`. */
  version: string
}

const CANDIDATES = ['python3', 'python3.13', 'python3.12', 'python3.11', 'python3.10', 'python3.9']
const OLDEST_MINOR = 9
/** OctoPrint 1.11 runs on Python up to 3.13. */
const NEWEST_MINOR = 13
const INSTALL_TIMEOUT_MS = 15 * 60_000
const COMPLETE = 'complete'

/** Finds a Python that can run the hosts. @throws Error with a sentence that says what is missing */
export async function findPython(): Promise<Python> {
  const found: string[] = []
  for (const command of CANDIDATES) {
    const version = await run(command, ['-c', 'import sys; print("%d.%d" % sys.version_info[:2])']).catch(() => null)
    if (version === null) continue
    const [major, minor = 0] = version.trim().split('.').map(Number)
    found.push(`${command} is ${version.trim()}`)
    if (major !== 3 || minor < OLDEST_MINOR || minor > NEWEST_MINOR) continue
    await assertVenv(command)
    return { command, version: version.trim() }
  }
  const seen = found.length === 0 ? 'no python3 was found on the PATH' : found.join(', ')
  throw new Error(`The tests against real hosts need Python 3.9 to 3.13, but ${seen}.`)
}

async function assertVenv(command: string): Promise<void> {
  await run(command, ['-c', 'import venv, ensurepip']).catch((cause: unknown) => {
    const message =
      `The tests against real hosts need the venv module of Python, which ${command} does not have. ` +
      'On Debian and Ubuntu install it with: apt install python3-venv'
    throw new Error(message, { cause })
  })
}

/**
 * Installs one package into its own virtual environment below `cacheDir`, once, and returns the environment's Python.
 * It is built under another name and renamed when it is complete: a half-done install is never taken for a whole one,
 * and two installs at the same time do not disturb each other.
 */
export async function installPackage(
  cacheDir: string,
  python: Python,
  { name, version }: PythonPackage,
  progress: Progress,
): Promise<string> {
  const folder = `${name.toLowerCase()}-${version}-py${python.version}`
  const home = join(cacheDir, folder)
  const executable = join(home, 'bin', 'python')
  if (existsSync(join(home, COMPLETE)) && existsSync(executable)) return executable
  await mkdir(cacheDir, { recursive: true })
  await rm(home, { recursive: true, force: true })
  await removeAbandoned(cacheDir, folder)
  const building = join(cacheDir, `${folder}.building-${process.pid}`)
  try {
    progress(`Installing ${name} ${version} from the Python registry into ${home} (once, some minutes)`)
    await run(python.command, ['-m', 'venv', building])
    const pip = ['-m', 'pip', 'install', '--disable-pip-version-check', '--no-input', '--progress-bar', 'off']
    await run(join(building, 'bin', 'python'), [...pip, `${name}==${version}`], {
      timeoutMs: INSTALL_TIMEOUT_MS,
      onLine: (line) => reportPip(line, progress),
    })
    await writeFile(join(building, COMPLETE), `${name}==${version}\n`)
    await rename(building, home).catch((cause: unknown) => {
      // Somebody else finished the same install first; theirs is as good.
      if (!existsSync(join(home, COMPLETE))) throw cause
    })
  } finally {
    await rm(building, { recursive: true, force: true })
  }
  return executable
}

function reportPip(line: string, progress: Progress): void {
  if (/^(Downloading|Building|Installing|Successfully)/.test(line.trim())) progress(`  ${line.trim().slice(0, 100)}`)
}

/** Removes what an install left behind that was killed. */
async function removeAbandoned(cacheDir: string, folder: string): Promise<void> {
  for (const entry of await readdir(cacheDir)) {
    const pid = entry.startsWith(`${folder}.building-`) ? Number(entry.split('-').at(-1)) : null
    if (pid !== null && !isAlive(pid)) await rm(join(cacheDir, entry), { recursive: true, force: true })
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}
