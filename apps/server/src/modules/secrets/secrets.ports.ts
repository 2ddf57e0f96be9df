import type { PassingPlace, SealedAt, SealedPlace } from '../../kernel/index.js'
import type { CredentialSealer } from '../printers/printers.ports.js'

/** One sealed text as it is stored. */
export interface SealedRow {
  /** Names the row among those of its spot; where the next page begins. */
  key: string
  at: SealedAt
  sealed: string
}

/** A column, or a part of one, that holds sealed texts; several may hold those of one place. */
export interface SealedSpot {
  name: string
  place: SealedPlace | PassingPlace
}

export interface SealedRows {
  spots: readonly SealedSpot[]
  /** @param after the last key of the page before; '' for the first page */
  page(spot: SealedSpot, after: string, limit: number): Promise<SealedRow[]>
  /** @returns false when another text stands there by now */
  replace(spot: SealedSpot, row: SealedRow, sealed: string): Promise<boolean>
  /** Runs alone of all who call this on the database. */
  alone<T>(work: () => Promise<T>): Promise<T>
}

/** A sealer that can tell what it would seal anew. */
export interface RotatingSealer extends CredentialSealer {
  isCurrent(sealed: string): boolean
}
