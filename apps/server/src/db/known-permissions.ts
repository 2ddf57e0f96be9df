import { permission, type Permission } from '@gantry/schemas'

/** A permission that was given up since it was stored is none any more. */
export const knownPermissions = (stored: readonly string[]): Permission[] =>
  stored.filter((each): each is Permission => permission.safeParse(each).success)
