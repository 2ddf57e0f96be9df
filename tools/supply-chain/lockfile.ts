import { readFile } from 'node:fs/promises'
import path from 'node:path'

/** One copy of a package from the registry, as the lockfile has it. */
export interface LockedPackage {
  /** Where it is installed; a package may be there in several versions. */
  path: string
  name: string
  version: string
  /** As its author wrote it; null: not at all. */
  licence: string | null
  integrity: string | null
  /** Null: the registry that npm is set to. */
  resolved: string | null
  hasInstallScript: boolean
  /** Installed for development alone. */
  dev: boolean
}

interface Entry {
  version?: string
  license?: string
  integrity?: string
  resolved?: string
  hasInstallScript?: boolean
  dev?: boolean
  link?: boolean
}

const FOLDER = 'node_modules/'

/** Every package of the registry in the text of a `package-lock.json`. @throws Error for a form that is not known here */
export const packagesIn = (text: string): LockedPackage[] => {
  const lock = JSON.parse(text) as { lockfileVersion?: number; packages?: Record<string, Entry> }
  if (lock.lockfileVersion !== 3 || lock.packages === undefined) throw new Error('the lockfile is not of version 3')
  return Object.entries(lock.packages)
    .filter(([place, { link }]) => place.includes(FOLDER) && link !== true)
    .map(([place, entry]) => ({
      path: place,
      name: place.slice(place.lastIndexOf(FOLDER) + FOLDER.length),
      version: entry.version ?? '',
      licence: entry.license ?? null,
      integrity: entry.integrity ?? null,
      resolved: entry.resolved ?? null,
      hasInstallScript: entry.hasInstallScript === true,
      dev: entry.dev === true,
    }))
}

export const readLockfile = async (repository: string): Promise<LockedPackage[]> =>
  packagesIn(await readFile(path.join(repository, 'package-lock.json'), 'utf8'))

export const nameAndVersion = ({ name, version }: LockedPackage): string => `${name}@${version}`

/** What is wrong with where packages come from: each needs a checksum, and the registry for its source. */
export const sourceFaults = (packages: readonly LockedPackage[]): string[] =>
  packages.flatMap((each) => {
    const { integrity, resolved } = each
    if (integrity === null) return [`${nameAndVersion(each)} has no checksum in the lockfile`]
    const isOfRegistry = resolved === null || resolved.startsWith('https://registry.npmjs.org/')
    return isOfRegistry ? [] : [`${nameAndVersion(each)} comes from ${resolved} and not from the registry`]
  })
