/**
 * Every column that holds a sealed text, as `table.column`. Nothing is sealed for another place, so that whoever changes
 * the key finds all of them here. A column's name ends in `_cipher`.
 */
export const SEALED_PLACES = [
  'printer.api_key_cipher',
  'second_factor.seed_cipher',
  'webhook.secret_cipher',
  'webhook.previous_secret_cipher',
] as const
export type SealedPlace = (typeof SEALED_PLACES)[number]

/**
 * Where sealed texts pass through: jobs, kept answers and cookies, which are over within days. A new key does not seal them anew, so
 * that the one before is kept as long.
 */
type PassingPlace = 'password link' | 'sign-on cookie'

/** The one row and column in which a sealed text opens, or whom one on its way is for. */
export interface SealedAt {
  place: SealedPlace | PassingPlace
  id: string
}
