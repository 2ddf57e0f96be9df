import type { Identity } from '@gantry/schemas'

/** What only the browser that began a sign-on knows, until it comes back. */
export interface SignOnSecrets {
  state: string
  nonce: string
  /** Of PKCE (RFC 7636). */
  verifier: string
}

/** Somebody for whom the identity provider vouches. */
export interface ProvenIdentity {
  issuer: string
  /** Means the same person for ever, as long as the issuer is the same. */
  subject: string
  /** In lower case; null: the provider has none that it has verified. */
  email: string | null
  displayName: string | null
  groups: readonly string[]
}

/** Where people prove who they are. What it answers is in no error and no line of the log. */
export interface IdentityProvider {
  /**
   * Where the browser goes.
   * @param fresh whether the provider asks anew, also for somebody whom it knows
   * @throws GantryError `UNAVAILABLE`
   */
  authorizationUrl(secrets: SignOnSecrets, fresh: boolean): Promise<URL>
  /**
   * Who came back, as the signed answer of the provider has it.
   * @param answer the query that the browser came back with
   * @throws GantryError `SIGN_ON_FAILED`; `UNAVAILABLE` when the provider does not answer in time, or not as one
   */
  identityOf(answer: URLSearchParams, secrets: SignOnSecrets, fresh: boolean): Promise<ProvenIdentity>
}

export interface NewIdentity {
  id: string
  userId: string
  issuer: string
  subject: string
  email: string | null
  lastUsedAt: Date | null
}

/** Who at which identity provider is which user. */
export interface IdentityRepository {
  /** Whose it is; null: nobody's. */
  find(issuer: string, subject: string): Promise<{ id: string; userId: string } | null>
  /** The oldest first. */
  listOf(userId: string): Promise<Identity[]>
  /** @returns false when it is somebody's by now; then nothing is made */
  addIfFree(identity: NewIdentity): Promise<boolean>
  used(identityId: string, email: string | null, now: Date): Promise<void>
  /** @returns false when the user has no such identity */
  remove(userId: string, identityId: string): Promise<boolean>
}

/** For a client that gets a ticket in place of cookies. */
export interface KeptProof {
  /** SHA-256 of the client's verifier in base64url. */
  challenge: string
  purpose: SignOnPurpose
  fresh: boolean
  identity: ProvenIdentity
}

/** `login`: a session; `link`: an identity for somebody who is logged in. */
export type SignOnPurpose = 'login' | 'link'

/** Sign-ons that came back. */
export interface SignOnRepository {
  /** @returns false when one with this state came back before */
  useState(stateHash: string, expiresAt: Date): Promise<boolean>
  keep(stateHash: string, ticketHash: string, ticketExpiresAt: Date, proof: KeptProof): Promise<void>
  /** Of two at once one gets it, and nobody does later. @returns null when there is none, or it has expired */
  take(ticketHash: string): Promise<KeptProof | null>
}
