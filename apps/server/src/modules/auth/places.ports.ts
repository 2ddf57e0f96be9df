import type { Actor } from '../../kernel/index.js'

/** What of the farm scopes are made of. */
export interface Places {
  printerGroupIds: readonly string[]
  locationIds: readonly string[]
  projectIds: readonly string[]
}

export interface PlaceRepository {
  /** Those of them that are there and that the actor may see; of locations: that are there. */
  among(actor: Actor, places: Places): Promise<Places>
}
