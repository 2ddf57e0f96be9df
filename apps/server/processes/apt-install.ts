import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

const INSTALL_MS = 180_000

/** The path of a program that runs, by its name on the PATH or its path; null where there is none. */
export const programAt = async (program: string): Promise<string | null> => {
  try {
    const { stdout } = await run('sh', ['-c', 'command -v "$1"', 'sh', program])
    const path = stdout.trim()
    await run(path, ['--version'], { timeout: 30_000 })
    return path
  } catch {
    return null
  }
}

/**
 * Installs a package of Debian or Ubuntu, which only root can.
 * @throws Error with `how` where that is not possible
 */
export const aptInstall = async (name: string, how: string): Promise<void> => {
  if (process.getuid?.() !== 0) throw new Error(`The tests need ${name}, which is not on the PATH. ${how}`)
  const install = () => run('apt-get', ['install', '-y', '--no-install-recommends', name], { timeout: INSTALL_MS })
  try {
    await install().catch(async () => {
      await run('apt-get', ['update'], { timeout: INSTALL_MS })
      await install()
    })
  } catch (cause) {
    throw new Error(`The tests need ${name}, which could not be installed. ${how}`, { cause })
  }
}
