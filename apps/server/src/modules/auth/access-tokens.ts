import { createHash } from 'node:crypto'

import { errors, jwtVerify, SignJWT } from 'jose'

import { GantryError, type Clock } from '../../kernel/index.js'
import { VerifiedTokens, type AccessTokenClaims } from './verified-tokens.js'

const ALGORITHM = 'HS256'
const TYPE = 'at+jwt'
const ISSUER = 'gantry'
const AUDIENCE = 'gantry-api'
/** Between the clocks of two instances. */
const CLOCK_TOLERANCE_SECONDS = 5

export interface AccessTokenOptions {
  /** 32 bytes. */
  signingKey: Uint8Array
  /** Sign no more; what they signed is good until it expires. @default none */
  previousKeys?: readonly Uint8Array[]
  /** At most 600. */
  lifetimeSeconds: number
  clock: Clock
}

/** Signed tokens that name a user and a session; whether the session still lives is not theirs to say. */
export class AccessTokens {
  private readonly keyId: string
  private readonly keys: ReadonlyMap<string | undefined, Uint8Array>
  private readonly known: VerifiedTokens

  constructor(private readonly options: AccessTokenOptions) {
    this.known = new VerifiedTokens(options.clock)
    this.keyId = keyIdOf(options.signingKey)
    this.keys = new Map([options.signingKey, ...(options.previousKeys ?? [])].map((key) => [keyIdOf(key), key]))
  }

  async issue(claims: AccessTokenClaims & { role: string }): Promise<{ token: string; expiresAt: Date }> {
    const { signingKey, lifetimeSeconds, clock } = this.options
    const issuedSeconds = Math.floor(clock.now() / 1_000)
    const expiresSeconds = issuedSeconds + lifetimeSeconds
    const token = await new SignJWT({ sid: claims.sessionId, role: claims.role })
      .setProtectedHeader({ alg: ALGORITHM, typ: TYPE, kid: this.keyId })
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

  private keyNamed(keyId: string | undefined): Uint8Array {
    const key = this.keys.get(keyId)
    if (key === undefined) throw new GantryError('UNAUTHENTICATED', { detail: 'a token of another key' })
    return key
  }
}

const keyIdOf = (key: Uint8Array): string => createHash('sha256').update(key).digest('hex').slice(0, 16)
