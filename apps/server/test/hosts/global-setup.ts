import { installHosts } from './install-hosts.js'

/** Installs the hosts before any test, outside the tests' time limits, and says so on the terminal. */
export async function setup(): Promise<void> {
  await installHosts((line) => process.stderr.write(`${line}\n`))
}
