import { nameAndVersion, type LockedPackage } from './lockfile.js'

const VERSION = /^(\d+)\.(\d+)\.(\d+)(-.+)?$/

/** @throws Error for anything but `1.2.3` or `1.2.3-beta` */
const numbersOf = (version: string): [number[], isFinal: boolean] => {
  const found = VERSION.exec(version)
  if (found === null) throw new Error(`${version} is no version`)
  return [found.slice(1, 4).map(Number), found[4] === undefined]
}

/** Whether a version is below another; what comes before a release is below it. */
export const isBelow = (version: string, floor: string): boolean => {
  const [[numbers, isFinal], [least]] = [numbersOf(version), numbersOf(floor)]
  const differing = numbers.findIndex((number, n) => number !== least[n])
  return differing === -1 ? !isFinal : (numbers[differing] ?? 0) < (least[differing] ?? 0)
}

/** Copies, nested ones too, that are older than the first version without a known hole. What is not installed needs none. */
export const floorFaults = (packages: readonly LockedPackage[], floors: Readonly<Record<string, string>>): string[] =>
  packages.flatMap((each) => {
    const floor = floors[each.name]
    if (floor === undefined || !isBelow(each.version, floor)) return []
    return [`${nameAndVersion(each)} (${each.path}) is below ${floor}`]
  })
