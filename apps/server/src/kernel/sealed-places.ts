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

/** What is sealed for somebody and passes through parts of other columns: jobs and kept answers, which are over within days. */
export const PASSING_PLACES = ['password link'] as const
export type PassingPlace = (typeof PASSING_PLACES)[number]

/** What is sealed for a browser, which has it for minutes: a new key cannot reach it, and the one before opens it. */
type CarriedPlace = 'sign-on cookie'

/** The one row and column in which a sealed text opens, or whom one on its way is for. */
export interface SealedAt {
  place: SealedPlace | PassingPlace | CarriedPlace
  id: string
}
