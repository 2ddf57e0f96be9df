import type { Scope } from './actor.js'

export const EVERYTHING: Scope = { printerGroups: 'all', projects: 'all' }

export const seesEverything = ({ printerGroups, projects }: Scope): boolean =>
  printerGroups === 'all' && projects === 'all'

type Ids = Scope['projects']

const common = (one: Ids, other: Ids): Ids => {
  if (one === 'all') return other
  return other === 'all' ? one : one.filter((id) => other.includes(id))
}

/** What is in both. */
export const narrowed = (scope: Scope, to: Scope): Scope => ({
  printerGroups: common(scope.printerGroups, to.printerGroups),
  projects: common(scope.projects, to.projects),
})
