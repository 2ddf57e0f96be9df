import { randomBytes } from 'node:crypto'

/** Moonraker lets a one-time token live this long. */
const ONESHOT_LIFETIME_MS = 5_000

/** How a caller may prove who it is. */
export interface Credentials {
  readonly apiKey: string | undefined
  readonly oneshotToken: string | undefined
}

/** Keys and one-time tokens of one host. */
export class Authorization {
  readonly #oneshotTokens = new Map<string, number>()

  /**
   * @param apiKey the machine-wide key
   * @param isTrusting whether every address counts as a trusted client, as on most home installations
   */
  constructor(
    readonly apiKey: string,
    readonly isTrusting: boolean,
  ) {}

  /** A wrong key is no reason to refuse a trusted address: the real host tries one way after the other. */
  accepts(credentials: Credentials): boolean {
    return this.#takeOneshotToken(credentials.oneshotToken) || this.isApiKey(credentials.apiKey) || this.isTrusting
  }

  isApiKey(key: string | undefined): boolean {
    return key !== undefined && key === this.apiKey
  }

  /** @returns a token that opens one connection within five seconds */
  createOneshotToken(): string {
    const now = Date.now()
    for (const [token, expiresAt] of this.#oneshotTokens) if (expiresAt < now) this.#oneshotTokens.delete(token)
    const token = randomBytes(20).toString('hex').toUpperCase()
    this.#oneshotTokens.set(token, now + ONESHOT_LIFETIME_MS)
    return token
  }

  forgetTokens(): void {
    this.#oneshotTokens.clear()
  }

  #takeOneshotToken(token: string | undefined): boolean {
    if (token === undefined) return false
    const expiresAt = this.#oneshotTokens.get(token)
    this.#oneshotTokens.delete(token)
    return expiresAt !== undefined && expiresAt >= Date.now()
  }
}
