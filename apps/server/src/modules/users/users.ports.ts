import type { NewUser, UserRecord } from '../auth/auth.ports.js'

/** Users as they are made and kept. */
export interface AccountRepository {
  findByEmail(email: string): Promise<UserRecord | null>
  /** @returns false when somebody has the address; then nothing is made */
  createIfFree(user: NewUser): Promise<boolean>
}

/** Counts tries, so that nobody makes too many. */
export interface TryLimiter {
  /** @param email in lower case @throws GantryError `RATE_LIMITED` */
  begin(email: string, address: string | null): Promise<void> | void
}
