import { createHash, webcrypto } from 'node:crypto'

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
  private imported: ImportedKeys
  private lookedMs: number
  private readonly known: VerifiedTokens

  constructor(private readonly options: AccessTokenOptions) {
    this.known = new VerifiedTokens(options.clock)
    this.keys = options.keys()
    this.imported = importedOf(this.keys)
    this.lookedMs = options.clock.now()
  }

  async issue({
    userId,
    sessionId,
    role,
  }: AccessTokenClaims & { role: string }): Promise<{ token: string; expiresAt: Date }> {
    const { lifetimeSeconds, clock } = this.options
    this.refresh()
    const { signing } = this.imported
    const issuedSeconds = Math.floor(clock.now() / 1_000)
    const expiresSeconds = issuedSeconds + lifetimeSeconds
    const token = await new SignJWT({ sid: sessionId, role })
      .setProtectedHeader({ alg: ALGORITHM, typ: TYPE, kid: signing.id })
      .setIssuer(ISSUER)
      .setAudience(AUDIENCE)
      .setSubject(userId)
      .setIssuedAt(issuedSeconds)
      .setExpirationTime(expiresSeconds)
      .sign(await signing.imported())
    // Most come back to the process that gave them, and at once.
    this.known.remember(token, { userId, sessionId }, expiresSeconds * 1_000)
    return { token, expiresAt: new Date(expiresSeconds * 1_000) }
  }

  /** What was verified before, or signed here; undefined when it has to be verified. */
  recall(token: string): AccessTokenClaims | undefined {
    if (Math.abs(this.options.clock.now() - this.lookedMs) >= LOOK_MS) this.refresh()
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
    this.refresh()
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
  private refresh(): void {
    const keys = this.options.keys()
    this.lookedMs = this.options.clock.now()
    if (keys === this.keys) return
    this.keys = keys
    this.imported = importedOf(keys)
    this.known.clear()
  }

  private keyNamed(keyId: string | undefined): Promise<webcrypto.CryptoKey> {
    const key = this.imported.byId.get(keyId)
    if (key === undefined) throw new GantryError('UNAUTHENTICATED', { detail: 'a token of another key' })
    return key.imported()
  }
}

interface ImportedKeys {
  signing: ImportedKey
  byId: ReadonlyMap<string | undefined, ImportedKey>
}

const importedOf = ([signingKey, ...previous]: Keys): ImportedKeys => {
  const signing = new ImportedKey(signingKey)
  const all = [signing, ...previous.map((key) => new ImportedKey(key))]
  return { signing, byId: new Map(all.map((key) => [key.id, key])) }
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
