import type { Actor } from './actor.js'
import { inputHash } from './input-hash.js'

const listed = (ids: 'all' | readonly string[]): string => (ids === 'all' ? 'all' : inputHash(ids.toSorted()))

/** What an actor may ask for and see, as a text: two who have the same are shown the same. */
export const sightOf = ({ role, scope }: Actor): string =>
  `${role}.${listed(scope.printerGroups)}.${listed(scope.projects)}`
