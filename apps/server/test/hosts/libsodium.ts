import { run } from './run.js'
import type { Progress } from './python-package.js'

const LOAD = ['-c', 'import libnacl']
const HELP =
  'Moonraker needs the library libsodium, which is missing. On Debian and Ubuntu install it with: ' +
  'apt install libsodium23; on macOS with: brew install libsodium'

/**
 * Makes sure that Moonraker's Python finds libsodium; installs Debian's package where this process may.
 * @throws Error with a sentence that says how to install it
 */
export async function ensureLibsodium(python: string, progress: Progress): Promise<void> {
  if (await loads(python)) return
  const mayInstall = process.getuid?.() === 0 && (await succeeds('apt-get', ['--version']))
  if (!mayInstall) throw new Error(HELP)
  progress('Installing libsodium23 with apt')
  const install = ['install', '-y', '--no-install-recommends', 'libsodium23']
  if (!(await succeeds('apt-get', install))) {
    await run('apt-get', ['update'], { timeoutMs: 300_000 })
    await run('apt-get', install, { timeoutMs: 300_000 })
  }
  if (!(await loads(python))) throw new Error(HELP)
}

const loads = (python: string) => succeeds(python, LOAD)

const succeeds = (command: string, args: string[]) =>
  run(command, args, { timeoutMs: 300_000 }).then(
    () => true,
    () => false,
  )
