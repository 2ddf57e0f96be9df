import { copyOf, startsByCopy } from './copies.js'
import { times, type Check } from './check.js'

/** No copy is started a second time, unless a person wanted it; no name ever is; and nothing is started that nobody ordered. */
export const startsPerCopy: Check = {
  count: 'starts per copy above 1',
  violations: (facts) => {
    const known = new Set(facts.attempts.map(({ remoteName }) => remoteName))
    const byHost = facts.starts.filter(({ startedBy }) => startedBy === 'host')
    const unknown = byHost
      .filter(({ name }) => copyOf(name) === null || !known.has(name))
      .map(({ name, printer }) => `${printer} started ${name}, which is no attempt of Gantry's`)
    const twice = startsByCopy(facts).flatMap(({ copy, starts, allowedAgain }) => {
      const names = new Set(starts.map(({ name }) => name))
      const repeated = starts.length - names.size
      const more = Math.max(0, names.size - 1 - allowedAgain)
      const where = starts.map(({ name, printer, outcome }) => `${name} on ${printer} (${outcome ?? 'running'})`)
      return times(
        repeated + more,
        `copy ${copy} was started as ${where.join(', ')}; ${allowedAgain} more were allowed`,
      )
    })
    return [...unknown, ...twice]
  },
}
