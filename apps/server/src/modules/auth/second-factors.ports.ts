export interface SecondFactorRecord {
  seedCipher: string
  confirmedAt: Date | null
  /** The half minute, counted since 1970, whose code was used last. */
  lastStep: number
  failures: number
  failuresSince: Date | null
}

/** The second factors of users. Asked while somebody logs in, so without an actor. */
export interface SecondFactorRepository {
  /** Held until the transaction ends, so that no code is used twice at once. */
  lock(userId: string): Promise<SecondFactorRecord | null>
  /** Whether it was confirmed. */
  isEnabled(userId: string): Promise<boolean>
  /** In place of one that was not confirmed. */
  begin(userId: string, seedCipher: string): Promise<void>
  /** Confirms it too, the first time. */
  passed(userId: string, lastStep: number, now: Date): Promise<void>
  failed(userId: string, failures: number, since: Date): Promise<void>
  /** With all recovery codes. */
  remove(userId: string): Promise<void>
  replaceRecoveryCodes(userId: string, codeHashes: readonly string[]): Promise<void>
  /** @returns whether there was such an unused one */
  useRecoveryCode(userId: string, codeHash: string, now: Date): Promise<boolean>
  recoveryCodesLeft(userId: string): Promise<number>
}
