/** A known hole in a package that is installed. */
export interface Advisory {
  /** `GHSA-…`. */
  id: string
  package: string
  severity: string
  title: string
}

/** A hole that we live with for a while. */
export interface AuditException {
  /** `GHSA-…`. */
  advisory: string
  package: string
  /** Why it does no harm here. */
  reason: string
  /** The last day, `2026-12-31`. */
  until: string
}

const ID = /GHSA(-[\da-z]{4}){3}/
const DAY = /^\d{4}-\d\d-\d\d$/
const DAY_MS = 24 * 3_600_000
/** Whatever is put off for longer is not put off, but kept. */
const LONGEST_DAYS = 180

/**
 * The holes that a report of `npm audit --json` names, each once per package; null when the text is no report, as when
 * the registry did not answer.
 */
export const advisoriesIn = (text: string): Advisory[] | null => {
  const { vulnerabilities } = parsed(text)
  if (vulnerabilities === undefined) return null
  const advisories = Object.values(vulnerabilities)
    .flatMap(({ via }) => via.filter((cause) => typeof cause !== 'string'))
    .map(({ url, name, severity, title }) => ({ id: ID.exec(url)?.[0] ?? url, package: name, severity, title }))
  return [...new Map(advisories.map((advisory) => [`${advisory.id} ${advisory.package}`, advisory])).values()]
}

/** Why there is no report, in a line. */
export const refusalIn = (text: string): string => {
  const { message } = parsed(text)
  return (message ?? (text.trim() || 'npm audit said nothing')).split('\n')[0]?.slice(0, 200) ?? ''
}

/** What is wrong with the exceptions by themselves: without a reason, over, or for too long. */
export const exceptionFaults = (exceptions: readonly AuditException[], now: Date): string[] =>
  exceptions.flatMap(({ advisory, package: name, reason, until }) => {
    const what = `the exception for ${advisory} in ${name}`
    const days = DAY.test(until) ? (Date.parse(until) + DAY_MS - now.getTime()) / DAY_MS : NaN
    if (!new RegExp(`^${ID.source}$`).test(advisory)) return [`${what} names no advisory`]
    if (reason.trim() === '') return [`${what} has no reason`]
    if (Number.isNaN(days)) return [`${what} has no last day such as 2026-12-31`]
    if (days <= 0) return [`${what} ended on ${until}`]
    return days > LONGEST_DAYS + 1 ? [`${what} lasts for more than ${LONGEST_DAYS} days`] : []
  })

/** Holes without an exception, and exceptions without a hole. */
export const auditFaults = (advisories: readonly Advisory[], exceptions: readonly AuditException[]): string[] => {
  const isMeant = (exception: AuditException, advisory: Advisory) =>
    exception.advisory === advisory.id && exception.package === advisory.package
  const open = advisories.filter((advisory) => !exceptions.some((exception) => isMeant(exception, advisory)))
  const idle = exceptions.filter((exception) => !advisories.some((advisory) => isMeant(exception, advisory)))
  return [
    ...open.map(({ id, package: name, severity, title }) => `${name}: ${title} (${severity}, ${id})`),
    ...idle.map(({ advisory, package: name }) => `the exception for ${advisory} in ${name} is not needed any more`),
  ]
}

interface Report {
  message?: string
  vulnerabilities?: Record<string, { via: (string | { url: string; name: string; severity: string; title: string })[] }>
}

const parsed = (text: string): Report => {
  try {
    return JSON.parse(text) as Report
  } catch {
    return {}
  }
}
