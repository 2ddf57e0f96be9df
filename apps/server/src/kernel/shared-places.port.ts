/** Of how many places there are, and how long one is held that nobody renews, in milliseconds. */
export interface PlaceTerms {
  limit: number
  heldMs: number
}

/** Places that all processes share, so many for each key. Never throws. */
export interface SharedPlaces {
  /** @returns false when all are taken; null when nobody can tell */
  take(key: string, holder: string, terms: PlaceTerms): Promise<boolean | null>
  /** Holds it on, and takes it anew when it was forgotten. */
  renew(key: string, holder: string, terms: PlaceTerms): Promise<void>
  giveBack(key: string, holder: string): Promise<void>
}
