import { notFound, type Actor } from '../../kernel/index.js'
import type { PlaceRepository, Places } from './places.ports.js'

/** @throws GantryError `NOT_FOUND` for the first that is not there for the actor */
export const expectPlaces = async (repository: PlaceRepository, actor: Actor, wanted: Places): Promise<void> => {
  const found = await repository.among(actor, wanted)
  const expect = (resource: string, ids: readonly string[], known: readonly string[]) => {
    for (const id of ids) if (!known.includes(id)) throw notFound(resource, id)
  }
  expect('printer group', wanted.printerGroupIds, found.printerGroupIds)
  expect('location', wanted.locationIds, found.locationIds)
  expect('project', wanted.projectIds, found.projectIds)
}
