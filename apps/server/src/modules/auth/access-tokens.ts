import { createHash } from 'node:crypto'

import { errors, jwtVerify, SignJWT } from 'jose'

import { GantryError, type Clock, type Keys, type KeysNow } from '../../kernel/index.js'
import { VerifiedTokens, type AccessTokenClaims } from './verified-tokens.js'

const ALGORITHM = 'HS256'
const TYPE = 'at+jwt'
const ISSUER = 'gantry'
const AUDIENCE = 'gantry-api'
/** Between the clocks of two instances. */
const CLOCK_TOLERANCE_SECONDS = 5

/** So long a token that was verified is believed without a look at the keys. */
const LOOK_MS = 1_000

export interface AccessTokenOptions {
  /** Of 32 bytes. What those of before signed is good until it expires, as long as they are among these. */
  keys: KeysNow
  /** At most 600. */
  lifetimeSeconds: number
  clock: Clock
}

/** Signed tokens that name a user and a session; whether the session still lives is not theirs to say. */
export class AccessTokens {
  private keys: Keys
  private byId: ReadonlyMap<string | undefined, Uint8Array>
  private lookedMs: number
  private readonly known: VerifiedTokens

  constructor(private readonly options: AccessTokenOptions) {
    this.known = new VerifiedTokens(options.clock)
    this.keys = options.keys()
    this.byId = byIdOf(this.keys)
    this.lookedMs = options.clock.now()
  }

  async issue(claims: AccessTokenClaims & { role: string }): Promise<{ token: string; expiresAt: Date }> {
    const { lifetimeSeconds, clock } = this.options
    const [signingKey] = this.refreshed()
    const issuedSeconds = Math.floor(clock.now() / 1_000)
    const expiresSeconds = issuedSeconds + lifetimeSeconds
    const token = await new SignJWT({ sid: claims.sessionId, role: claims.role })
      .setProtectedHeader({ alg: ALGORITHM, typ: TYPE, kid: keyIdOf(signingKey) })
      .setIssuer(ISSUER)
      .setAudience(AUDIENCE)
      .setSubject(claims.userId)
      .setIssuedAt(issuedSeconds)
      .setExpirationTime(expiresSeconds)
      .sign(signingKey)
    return { token, expiresAt: new Date(expiresSeconds * 1_000) }
  }

  /** What was verified before; undefined when it has to be verified. */
  recall(token: string): AccessTokenClaims | undefined {
    if (Math.abs(this.options.clock.now() - this.lookedMs) >= LOOK_MS) this.refreshed()
    return this.known.recall(token)
  }

  /** @throws GantryError `UNAUTHENTICATED` */
  async verify(token: string): Promise<AccessTokenClaims> {
    const { payload } = await this.verified(token)
    const { sub: userId, sid: sessionId, exp } = payload
    if (userId === undefined || typeof sessionId !== 'string') {
      throw new GantryError('UNAUTHENTICATED', { detail: 'a token of another shape' })
    }
    const claims = { userId, sessionId }
    // Without the tolerance between clocks: in those last seconds it is verified each time.
    if (exp !== undefined) this.known.remember(token, claims, exp * 1_000)
    return claims
  }

  private async verified(token: string) {
    const { clock } = this.options
    this.refreshed()
    try {
      return await jwtVerify(token, ({ kid }) => this.keyNamed(kid), {
        algorithms: [ALGORITHM],
        typ: TYPE,
        issuer: ISSUER,
        audience: AUDIENCE,
        requiredClaims: ['exp', 'iat', 'sub', 'sid'],
        clockTolerance: CLOCK_TOLERANCE_SECONDS,
        currentDate: new Date(clock.now()),
      })
    } catch (cause) {
      if (!(cause instanceof errors.JOSEError)) throw cause
      throw new GantryError('UNAUTHENTICATED', { detail: `the access token is not valid: ${cause.code}`, cause })
    }
  }

  /** What a key vouched for that was taken away is forgotten with it. */
  private refreshed(): Keys {
    const keys = this.options.keys()
    this.lookedMs = this.options.clock.now()
    if (keys === this.keys) return keys
    this.keys = keys
    this.byId = byIdOf(keys)
    this.known.clear()
    return keys
  }

  private keyNamed(keyId: string | undefined): Uint8Array {
    const key = this.byId.get(keyId)
    if (key === undefined) throw new GantryError('UNAUTHENTICATED', { detail: 'a token of another key' })
    return key
  }
}

const byIdOf = (keys: Keys) => new Map(keys.map((key) => [keyIdOf(key), key]))

const keyIdOf = (key: Uint8Array): string => createHash('sha256').update(key).digest('hex').slice(0, 16)
