import { createHash, webcrypto } from 'node:crypto'

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
  private readonly signing: ImportedKey
  private readonly keys: ReadonlyMap<string | undefined, ImportedKey>
  private readonly known: VerifiedTokens

  constructor(private readonly options: AccessTokenOptions) {
    this.known = new VerifiedTokens(options.clock)
    this.signing = new ImportedKey(options.signingKey)
    const previous = (options.previousKeys ?? []).map((key) => new ImportedKey(key))
    this.keys = new Map([this.signing, ...previous].map((key) => [key.id, key]))
  }

  async issue({
    userId,
    sessionId,
    role,
  }: AccessTokenClaims & { role: string }): Promise<{ token: string; expiresAt: Date }> {
    const { lifetimeSeconds, clock } = this.options
    const issuedSeconds = Math.floor(clock.now() / 1_000)
    const expiresSeconds = issuedSeconds + lifetimeSeconds
    const token = await new SignJWT({ sid: sessionId, role })
      .setProtectedHeader({ alg: ALGORITHM, typ: TYPE, kid: this.signing.id })
      .setIssuer(ISSUER)
      .setAudience(AUDIENCE)
      .setSubject(userId)
      .setIssuedAt(issuedSeconds)
      .setExpirationTime(expiresSeconds)
      .sign(await this.signing.imported())
    // Most come back to the process that gave them, and at once.
    this.known.remember(token, { userId, sessionId }, expiresSeconds * 1_000)
    return { token, expiresAt: new Date(expiresSeconds * 1_000) }
  }

  /** What was verified before, or signed here; undefined when it has to be verified. */
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

  private keyNamed(keyId: string | undefined): Promise<webcrypto.CryptoKey> {
    const key = this.keys.get(keyId)
    if (key === undefined) throw new GantryError('UNAUTHENTICATED', { detail: 'a token of another key' })
    return key.imported()
  }
}

/** Imported once: from bytes, every token would do so again. */
class ImportedKey {
  readonly id: string
  private key: Promise<webcrypto.CryptoKey> | undefined

  constructor(private readonly bytes: Uint8Array) {
    this.id = createHash('sha256').update(bytes).digest('hex').slice(0, 16)
  }

  imported(): Promise<webcrypto.CryptoKey> {
    const algorithm = { name: 'HMAC', hash: 'SHA-256' }
    this.key ??= webcrypto.subtle.importKey('raw', this.bytes, algorithm, false, ['sign', 'verify'])
    return this.key
  }
}
