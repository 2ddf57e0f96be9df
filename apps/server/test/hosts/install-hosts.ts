import { fileURLToPath } from 'node:url'

import { ensureLibsodium } from './libsodium.js'
import { findPython, installPackage, type Progress, type PythonPackage } from './python-package.js'

const OCTOPRINT: PythonPackage = { name: 'OctoPrint', version: '1.11.8' }
const MOONRAKER: PythonPackage = { name: 'moonraker', version: '0.11.0' }

/** Where the hosts are installed; kept between runs. */
const cacheDir = (): string =>
  process.env['GANTRY_HOSTS_CACHE'] ?? fileURLToPath(new URL('../../../../.cache/hosts', import.meta.url))

export interface InstalledHosts {
  /** The Python that runs OctoPrint. */
  octoprintPython: string
  /** The Python that runs Moonraker. */
  moonrakerPython: string
}

/** Installs what is missing; returns at once when all is there. */
export async function installHosts(progress: Progress = () => undefined): Promise<InstalledHosts> {
  const python = await findPython()
  const octoprintPython = await installPackage(cacheDir(), python, OCTOPRINT, progress)
  const moonrakerPython = await installPackage(cacheDir(), python, MOONRAKER, progress)
  await ensureLibsodium(moonrakerPython, progress)
  return { octoprintPython, moonrakerPython }
}
