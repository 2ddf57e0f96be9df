import type { UserRole } from '@gantry/schemas'

/** A kept query as somebody of this role asks it who may see everything. */
export interface HotQuery {
  query: string
  input: unknown
  role: UserRole
}

/** Which kept queries are asked for most, by all instances together. */
export interface HotQueryRepository {
  /** Adds to what was counted before, which counts less the older it is. */
  add(queries: (HotQuery & { key: string; asked: number })[]): Promise<void>
  /** The most asked for come first. */
  hottest(limit: number): Promise<HotQuery[]>
  /** Keeps the most recently asked for of the last week. @returns how many went */
  removeCold(keep: number): Promise<number>
}
