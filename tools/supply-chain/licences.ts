import { nameAndVersion, type LockedPackage } from './lockfile.js'

export interface LicenceException {
  /** A name; with a star at its end, all that begin so. */
  package: string
  licence: string
  reason: string
}

export interface LicenceRules {
  /** SPDX names. */
  allowed: readonly string[]
  exceptions: readonly LicenceException[]
}

/** What is wrong with the licences: one that is not allowed, or none; exceptions without a reason or a use. */
export const licenceFaults = (packages: readonly LockedPackage[], rules: LicenceRules): string[] => {
  const { allowed, exceptions } = rules
  const used = new Set<LicenceException>()
  const faults = packages.flatMap((each) => {
    if (each.licence === null) return [`${nameAndVersion(each)} names no licence`]
    if (isAllowed(each.licence, new Set(allowed))) return []
    const exception = exceptions.find((one) => isFor(one, each))
    if (exception === undefined)
      return [`${nameAndVersion(each)} has the licence ${each.licence}, which is not allowed`]
    used.add(exception)
    return []
  })
  const idle = exceptions.filter((exception) => !used.has(exception))
  const mute = exceptions.filter(({ reason }) => reason.trim() === '')
  return [
    ...faults,
    ...idle.map((exception) => `the exception for ${exception.package} (${exception.licence}) is not needed`),
    ...mute.map((exception) => `the exception for ${exception.package} has no reason`),
  ]
}

const isFor = (exception: LicenceException, { name, licence }: LockedPackage): boolean => {
  const isNamed = exception.package.endsWith('*')
    ? name.startsWith(exception.package.slice(0, -1))
    : name === exception.package
  return isNamed && exception.licence === licence
}

/** @param expression as in SPDX; `and` and `or` are also written small */
export const isAllowed = (expression: string, allowed: ReadonlySet<string>): boolean => {
  const text = withoutParentheses(expression.trim())
  const ways = splitAt(text, 'or')
  if (ways.length > 1) return ways.some((way) => isAllowed(way, allowed))
  const parts = splitAt(text, 'and')
  return parts.length > 1 ? parts.every((part) => isAllowed(part, allowed)) : allowed.has(text)
}

/** Of `(a OR b)` what is inside; `(a) OR (b)` stays. */
const withoutParentheses = (text: string): string => {
  const isWhole = text.startsWith('(') && text.endsWith(')') && depths(text.slice(0, -1)).every((depth) => depth > 0)
  return isWhole ? text.slice(1, -1).trim() : text
}

/** How many parentheses are open after each character. */
const depths = (text: string): number[] => {
  let depth = 0
  return Array.from(text, (character) => (depth += character === '(' ? 1 : character === ')' ? -1 : 0))
}

const splitAt = (text: string, word: string): string[] => {
  const depthAt = depths(text)
  const cuts = [...text.matchAll(new RegExp(` ${word} `, 'gi'))].filter(({ index }) => depthAt[index] === 0)
  const starts = [0, ...cuts.map(({ index }) => index + word.length + 2)]
  return starts.map((start, n) => text.slice(start, cuts[n]?.index ?? text.length))
}

const HEAD = `# Licences

Every package that \`npm ci --omit=dev\` may install, on any platform, by its licence. Written by \`npm run licences\`, and held to
the lockfile by \`npm run check\`; \`tools/supply-chain/licence-rules.json\` says which licences are allowed.
`

/** The page of the reference. */
export const licencePage = (packages: readonly LockedPackage[]): string => {
  const byLicence = new Map<string, Map<string, Set<string>>>()
  for (const { name, version, licence, dev } of packages) {
    if (dev) continue
    const names = byLicence.get(licence ?? 'none') ?? new Map<string, Set<string>>()
    byLicence.set(licence ?? 'none', names.set(name, (names.get(name) ?? new Set()).add(version)))
  }
  const sections = sorted(byLicence).map(([licence, names]) => {
    const lines = sorted(names).map(([name, versions]) => `- \`${name}\` ${[...versions].toSorted().join(', ')}`)
    return `\n## ${licence}\n\n${lines.join('\n')}\n`
  })
  return HEAD + sections.join('')
}

const sorted = <T>(map: ReadonlyMap<string, T>): [string, T][] => [...map].toSorted(([a], [b]) => (a < b ? -1 : 1))
