import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'

import type { CurrentUser, LoginMethods, SignOnTicket, TokenPair } from '@gantry/schemas'

import {
  GantryError,
  invalidField,
  networkOf,
  SIGN_ON_PATH,
  type Clock,
  type TransactionContext,
  type UnitOfWork,
} from '../../kernel/index.js'
import { currentUserOf, type AuthService, type LoginEnded, type LoginOrigin } from '../auth/auth.service.js'
import type { LoginLimiter } from '../auth/login-limiter.js'
import type { CredentialSealer } from '../printers/printers.ports.js'
import { openedSignOn, sealedSignOn, type BegunSignOn } from './begun-sign-on.js'
import { type Entrance, type EntranceRepositories } from './entrance.js'
import { checkedReturnTo, type ReturnPages } from './return-to.js'
import type { IdentityProvider, KeptProof, ProvenIdentity, SignOnPurpose, SignOnRepository } from './sign-on.ports.js'

interface Repositories extends EntranceRepositories {
  signOns: SignOnRepository
}

/** The provider, and what becomes of whom it vouches for. */
export interface OfferedSignOn {
  /** For the button. */
  name: string
  provider: IdentityProvider
  entrance: Entrance
  pages: ReturnPages
}

export interface SignOnServiceDeps {
  unitOfWork: UnitOfWork<Repositories>
  /** Null: there is no identity provider. */
  offered: OfferedSignOn | null
  isRegistrationOpen: boolean
  auth: Pick<AuthService, 'newSession' | 'pairOf'>
  limiter: LoginLimiter
  sealer: CredentialSealer
  clock: Clock
  loginEnded: LoginEnded
  /** Makes this process forget a session at once. */
  forgetSession: (sessionId: string) => void
  /** Makes this process ask anew what the user may. */
  forgetUser: (userId: string) => void
}

export interface SignOnWish {
  returnTo: string | null
  /** S256 of the client's verifier, for a ticket in place of cookies; null: cookies. */
  challenge: string | null
  purpose: SignOnPurpose
  /** Whether the provider asks anew, also for somebody whom it knows. */
  fresh: boolean
}

export interface SignOnStart {
  /** At the provider. */
  url: string
  /** For the browser alone, until it comes back. */
  cookie: { value: string; expiresAt: Date }
}

export type LoggedIn = TokenPair & { user: CurrentUser }

/** `returnTo` null: nothing was wished. */
export type SignOnEnd = { pair: LoggedIn; returnTo: string | null } | { pair: null; returnTo: string }

/** Between the start and the way back a person may have to find their phone. */
const COOKIE_MS = 10 * 60_000
/** A ticket to log in with is exchanged by a program; one to link with waits until its user has typed a password. */
const TICKET_MS: Readonly<Record<SignOnPurpose, number>> = { login: 60_000, link: 5 * 60_000 }

const secret = () => randomBytes(32).toString('base64url')
const hashOf = (text: string) => createHash('sha256').update(text).digest('hex')
const challengeOf = (verifier: string) => createHash('sha256').update(verifier).digest('base64url')

const isSame = (one: string, other: string) => {
  const [a, b] = [Buffer.from(one), Buffer.from(other)]
  return a.length === b.length && timingSafeEqual(a, b)
}

const failed = (reason: 'expired' | 'invalid', detail: string) =>
  new GantryError('SIGN_ON_FAILED', { params: { reason }, detail })

/** Logging in at an identity provider: the way there, the way back, and the session at its end. */
export class SignOnService {
  constructor(private readonly deps: SignOnServiceDeps) {}

  methods(): LoginMethods {
    const { offered, isRegistrationOpen } = this.deps
    const signOn = offered === null ? null : { name: offered.name, url: offered.pages.publicUrl + SIGN_ON_PATH }
    return { password: true, registration: isRegistrationOpen, signOn }
  }

  /** @throws GantryError `VALIDATION_FAILED`, `UNAVAILABLE`, `NOT_FOUND` when there is no identity provider */
  async begin({ returnTo, challenge, purpose, fresh }: SignOnWish): Promise<SignOnStart> {
    const { provider, pages } = this.offered
    if (challenge !== null && returnTo === null) throw invalidField('return_to', 'is needed with a code_challenge')
    if (purpose === 'link' && challenge === null) throw invalidField('code_challenge', 'is needed to link')
    const secrets = { state: secret(), nonce: secret(), verifier: secret() }
    const expiresAt = new Date(this.deps.clock.now() + COOKIE_MS)
    const to = returnTo === null ? null : checkedReturnTo(returnTo, pages, challenge !== null)
    const url = await provider.authorizationUrl(secrets, fresh)
    const begun: BegunSignOn = {
      ...{ ...secrets, returnTo: to, challenge, purpose, fresh },
      expiresAtMs: expiresAt.getTime(),
    }
    return { url: url.href, cookie: { value: sealedSignOn(this.deps.sealer, begun), expiresAt } }
  }

  /** Where the browser that holds the cookie goes when something is wrong; null: nowhere. */
  returnToOf(cookie: string | null): string | null {
    return openedSignOn(this.deps.sealer, cookie)?.returnTo ?? null
  }

  /**
   * The browser is back.
   * @param answer the query that it came with
   * @throws GantryError `SIGN_ON_FAILED`, `SIGN_ON_REFUSED`, `RATE_LIMITED`, `UNAVAILABLE`
   */
  async finish(cookie: string | null, answer: URLSearchParams, origin: LoginOrigin): Promise<SignOnEnd> {
    const { begun, identity } = await this.proving(origin, () => this.prove(cookie, answer))
    if (begun.challenge === null || begun.returnTo === null) {
      return { pair: await this.enter(identity, begun.fresh, origin), returnTo: begun.returnTo }
    }
    const { challenge, purpose, fresh } = begun
    const ticket = await this.keep(begun.state, { challenge, purpose, fresh, identity })
    const returnTo = new URL(begun.returnTo)
    returnTo.searchParams.set('sso_ticket', ticket)
    return { pair: null, returnTo: returnTo.href }
  }

  /** @throws GantryError `SIGN_ON_FAILED`, `SIGN_ON_REFUSED`, `RATE_LIMITED` */
  async exchange(ticket: SignOnTicket, origin: LoginOrigin): Promise<LoggedIn> {
    const { identity, fresh } = await this.redeem(ticket, 'login', origin)
    return this.enter(identity, fresh, origin)
  }

  /** Who stands behind a ticket, which works no more then. @throws GantryError `SIGN_ON_FAILED`, `RATE_LIMITED` */
  redeem({ ticket, codeVerifier }: SignOnTicket, purpose: SignOnPurpose, origin: LoginOrigin): Promise<KeptProof> {
    return this.proving(origin, async () => {
      const proof = await this.deps.unitOfWork.run(({ signOns }) => signOns.take(hashOf(ticket)))
      if (proof === null) throw failed('expired', 'there is no such ticket')
      if (proof.purpose !== purpose || !isSame(proof.challenge, challengeOf(codeVerifier))) {
        throw failed('invalid', 'the ticket was given to another client, or for something else')
      }
      return proof
    })
  }

  private get offered(): OfferedSignOn {
    if (this.deps.offered === null) throw new GantryError('NOT_FOUND', { params: { resource: 'identity provider' } })
    return this.deps.offered
  }

  private async prove(
    cookie: string | null,
    answer: URLSearchParams,
  ): Promise<{ begun: BegunSignOn; identity: ProvenIdentity }> {
    const { provider } = this.offered
    const { clock, unitOfWork, sealer } = this.deps
    const begun = openedSignOn(sealer, cookie)
    if (begun === null) throw failed('expired', 'no cookie came that was made here')
    if (begun.expiresAtMs <= clock.now()) throw failed('expired', 'it began more than ten minutes ago')
    if (!isSame(begun.state, answer.get('state') ?? '')) throw failed('expired', 'it is not the one that began')
    // As long as its ticket may last.
    const keptUntil = new Date(begun.expiresAtMs + TICKET_MS.link)
    const isFirst = await unitOfWork.run(({ signOns }) => signOns.useState(hashOf(begun.state), keptUntil))
    if (!isFirst) throw failed('expired', 'it came back before')
    return { begun, identity: await provider.identityOf(answer, begun, begun.fresh) }
  }

  private async keep(state: string, proof: KeptProof): Promise<string> {
    const ticket = secret()
    await this.deps.unitOfWork.run((tx) => {
      const expiresAt = new Date(tx.now.getTime() + TICKET_MS[proof.purpose])
      return tx.signOns.keep(hashOf(state), hashOf(ticket), expiresAt, proof)
    })
    return ticket
  }

  private async enter(identity: ProvenIdentity, fresh: boolean, origin: LoginOrigin): Promise<LoggedIn> {
    const { unitOfWork, auth, loginEnded, forgetSession, forgetUser } = this.deps
    const { entrance } = this.offered
    const account = identity.email ?? identity.subject
    try {
      const { renewal, ended } = await unitOfWork.run(async (tx: Repositories & TransactionContext) => {
        const { user, ended } = await entrance.admit(tx, identity)
        return { renewal: await auth.newSession(tx, user, origin, fresh ? tx.now : null), ended }
      })
      ended.forEach(forgetSession)
      forgetUser(renewal.user.id)
      loginEnded('ok', account)
      return { ...(await auth.pairOf(renewal)), user: currentUserOf(renewal.user) }
    } catch (error) {
      const isRefused = error instanceof GantryError && error.code === 'SIGN_ON_REFUSED'
      if (isRefused) loginEnded('refused', account, error.code)
      else loginEnded('failed', account)
      throw error
    }
  }

  /**
   * Limited as logins are: what proves nobody counts as a try from this network, of which there may be ten in a quarter
   * of an hour. What the provider is to blame for, and what proves somebody, does not.
   */
  private async proving<T>(origin: LoginOrigin, prove: () => Promise<T>): Promise<T> {
    const { limiter, loginEnded } = this.deps
    const who = `sign-on ${origin.ip === null ? '' : networkOf(origin.ip)}`
    try {
      await limiter.begin(who, origin.ip)
      const proven = await prove()
      await limiter.succeeded(who, origin.ip)
      return proven
    } catch (error) {
      const code = error instanceof GantryError ? error.code : null
      if (code === 'SIGN_ON_FAILED') loginEnded('refused', null, code)
      else if (code === 'RATE_LIMITED') loginEnded('limited', null)
      else {
        await limiter.succeeded(who, origin.ip)
        loginEnded('failed', null)
      }
      throw error
    }
  }
}
