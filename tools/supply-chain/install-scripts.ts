import type { LockedPackage } from './lockfile.js'

/**
 * What is wrong with the list of install scripts: each package that has one is named, with whether it may run, and no
 * other is.
 * @param allowed `allowScripts` of package.json
 */
export const installScriptFaults = (
  packages: readonly LockedPackage[],
  allowed: Readonly<Record<string, boolean>>,
): string[] => {
  const having = new Set(packages.filter(({ hasInstallScript }) => hasInstallScript).map(({ name }) => name))
  const unnamed = [...having].filter((name) => !(name in allowed))
  const idle = Object.keys(allowed).filter((name) => !having.has(name))
  return [
    ...unnamed.map((name) => `${name} has an install script and is not named in allowScripts`),
    ...idle.map((name) => `${name} is named in allowScripts and has no install script`),
  ]
}
