import type { Actor } from './actor.js'
import { inputHash } from './input-hash.js'
import { seesEverything } from './scope.js'

const hashes = new WeakMap<object, string>()

/** Of the ids or permissions in whatever order; the same collection is hashed once. */
const hashOf = (names: ReadonlySet<string> | readonly string[]): string => {
  const known = hashes.get(names)
  if (known !== undefined) return known
  const hash = inputHash([...names].toSorted())
  hashes.set(names, hash)
  return hash
}

const listed = (ids: 'all' | readonly string[]): string => (ids === 'all' ? 'all' : hashOf(ids))

/**
 * What an actor may ask for and see, as a text: two who have the same are shown the same. Who sees only a part sees
 * besides what is their own, and so shares with nobody.
 */
export const sightOf = ({ id, permissions, scope }: Actor): string => {
  const mayAsk = hashOf(permissions)
  if (seesEverything(scope)) return `${mayAsk}.all`
  return `${mayAsk}.${listed(scope.printerGroups)}.${listed(scope.projects)}.${id}`
}
