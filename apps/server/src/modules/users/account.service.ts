import { setTimeout as pause } from 'node:timers/promises'

import type {
  ChangePasswordInput,
  ChoosePasswordInput,
  CurrentUser,
  ResetPasswordInput,
  UpdateProfileInput,
} from '@gantry/schemas'

import {
  GantryError,
  notFound,
  type Actor,
  type Primary,
  type TransactionContext,
  type UnitOfWork,
} from '../../kernel/index.js'
import type { ApiKeyRepository } from '../auth/api-keys.ports.js'
import type { UserRecord, UserRepository } from '../auth/auth.ports.js'
import { currentUserOf, type LoginOrigin } from '../auth/auth.service.js'
import { endSessionsOf } from '../auth/end-sessions.js'
import { checkNewPassword } from '../auth/password-policy.js'
import { hashPassword } from '../auth/passwords.js'
import type { Reauthentication } from '../auth/reauthentication.js'
import { recordUser } from '../auth/user-events.js'
import { linkIsOver, passwordTokenHash, type PasswordLinks } from './password-links.js'
import type { AccountRepository, PasswordTokenRepository, TokenPurpose, TryLimiter } from './users.ports.js'

interface Repositories {
  accounts: AccountRepository
  apiKeys: Pick<ApiKeyRepository, 'revokeAllOf'>
  passwordTokens: PasswordTokenRepository
  users: Pick<UserRepository, 'get' | 'lock' | 'setPasswordHash' | 'revokeSessionsOf'>
}
type Transaction = Repositories & TransactionContext

export interface AccountServiceDeps {
  unitOfWork: UnitOfWork<Repositories>
  reads: Primary<Repositories>
  /** That of the logins. */
  limiter: TryLimiter
  reauthentication: Reauthentication
  links: PasswordLinks
  /** Makes this process forget a session at once. */
  forgetSession: (sessionId: string) => void
  /** The same of an API key. */
  forgetKey: (keyId: string) => void
  /** @default 300 */
  resetAnswerMs?: number
}

/** A mail on its way; another one would only end the link in it. */
const MIN_BETWEEN_RESETS_MS = 60_000

/** What people do with their own account. */
export class AccountService {
  constructor(private readonly deps: AccountServiceDeps) {}

  /** @throws GantryError `INVALID_CREDENTIALS`, `NAME_TAKEN` for an address that somebody has, `RATE_LIMITED` */
  async updateProfile(
    actor: Actor,
    { displayName, email, currentPassword }: UpdateProfileInput,
    origin: LoginOrigin,
  ): Promise<CurrentUser> {
    const known = email === undefined ? null : await this.reauthenticated(actor, currentPassword, origin)
    await this.deps.unitOfWork.run(async (tx) => {
      await unchanged(tx, actor.id, known)
      const owner = email === undefined ? null : await tx.accounts.findByEmail(email)
      if (owner !== null && owner.id !== actor.id) {
        throw new GantryError('NAME_TAKEN', { params: { name: owner.email }, fields: { email: ['is in use'] } })
      }
      await tx.accounts.update(actor.id, { displayName, email }, tx.now)
      // A link that lies in the old mailbox.
      if (email !== undefined) await tx.passwordTokens.remove(actor.id)
      recordUser(tx, 'user.updated', actor.id, actor.id)
    })
    return currentUserOf(await this.own(actor))
  }

  /** Ends all other sessions, and API keys if that is wanted. @throws GantryError `INVALID_CREDENTIALS`, `PASSWORD_REFUSED`, `RATE_LIMITED` */
  async changePassword(
    actor: Actor,
    { currentPassword, newPassword, revokeApiKeys = false }: ChangePasswordInput,
    origin: LoginOrigin,
  ): Promise<void> {
    const known = await this.reauthenticated(actor, currentPassword, origin)
    // Who is let in by the identity provider alone must not stay in when that lets them in no more.
    if (known.passwordHash === null) {
      throw new GantryError('INVALID_STATE', { params: { detail: 'this account has no password, it signs on' } })
    }
    await checkNewPassword({ password: newPassword, email: known.email, field: 'newPassword' })
    const passwordHash = await hashPassword(newPassword)
    await this.changing(async (tx) => {
      await unchanged(tx, actor.id, known)
      return setPassword(tx, { userId: actor.id, passwordHash, keepSession: actor.sessionId, revokeApiKeys })
    })
  }

  /**
   * Mails a link to whoever has the address. The answer, and the time to it, is the same when nobody has.
   * @throws GantryError `RATE_LIMITED`
   */
  async requestPasswordReset(email: string, { ip }: LoginOrigin): Promise<void> {
    const { limiter, resetAnswerMs = 300 } = this.deps
    // Counts of its own: whoever has tried too many passwords asks for a reset.
    await limiter.begin(`reset ${email}`, ip)
    await Promise.all([pause(resetAnswerMs), this.deps.unitOfWork.run((tx) => this.issueReset(tx, email))])
  }

  /**
   * By the link of a reset; ends all sessions, and API keys unless they are to go on: whoever had the account may have
   * made some.
   * @throws GantryError `LINK_EXPIRED`, `PASSWORD_REFUSED`
   */
  resetPassword({ revokeApiKeys = true, ...input }: ResetPasswordInput): Promise<void> {
    return this.choosePassword('reset', input, revokeApiKeys)
  }

  /** The first password. @throws GantryError `LINK_EXPIRED`, `PASSWORD_REFUSED` */
  acceptInvitation(input: ChoosePasswordInput): Promise<void> {
    return this.choosePassword('invitation', input, false)
  }

  private async choosePassword(
    purpose: TokenPurpose,
    { token, password }: ChoosePasswordInput,
    revokeApiKeys: boolean,
  ): Promise<void> {
    const tokenHash = passwordTokenHash(token)
    const userId = await this.deps.reads.passwordTokens.find(tokenHash, purpose)
    const user = userId === null ? null : await this.deps.reads.users.get(userId)
    if (user === null) throw linkIsOver()
    await checkNewPassword({ password, email: user.email })
    const passwordHash = await hashPassword(password)
    await this.changing(async (tx) => {
      const current = await tx.users.lock(user.id)
      const isUsed = (await tx.passwordTokens.use(tokenHash, purpose)) !== null
      if (!isUsed || current === null || current.disabledAt !== null) throw linkIsOver()
      return setPassword(tx, { userId: user.id, passwordHash, keepSession: null, revokeApiKeys })
    })
  }

  private async issueReset(tx: Transaction, email: string): Promise<void> {
    const user = await tx.accounts.findByEmail(email)
    if (user?.state !== 'active') return
    // Who signs on at the identity provider gets no password behind its back.
    if ((await tx.users.get(user.id))?.passwordHash === null) return
    const last = await tx.passwordTokens.of(user.id)
    const isOnItsWay = last !== null && tx.now.getTime() - last.createdAt.getTime() < MIN_BETWEEN_RESETS_MS
    if (!isOnItsWay) await this.deps.links.issue(tx, user, 'reset')
  }

  /** @throws GantryError `INVALID_CREDENTIALS`, `RATE_LIMITED` */
  private reauthenticated(actor: Actor, currentPassword: string | undefined, { ip }: LoginOrigin): Promise<UserRecord> {
    return this.deps.reauthentication.confirm(actor, currentPassword, ip)
  }

  private async own(actor: Actor): Promise<UserRecord> {
    const user = await this.deps.reads.users.get(actor.id)
    if (user === null) throw notFound('user', actor.id)
    return user
  }

  private async changing(change: (tx: Transaction) => Promise<Ended>): Promise<void> {
    const { sessions, keys } = await this.deps.unitOfWork.run(change)
    sessions.forEach(this.deps.forgetSession)
    keys.forEach(this.deps.forgetKey)
  }
}

/** The password that was right is still the password. */
const unchanged = async (tx: Transaction, userId: string, known: UserRecord | null): Promise<void> => {
  const user = await tx.users.lock(userId)
  if (user === null) throw notFound('user', userId)
  if (known !== null && user.passwordHash !== known.passwordHash) throw new GantryError('INVALID_CREDENTIALS')
}

/** By their ids. */
interface Ended {
  sessions: string[]
  keys: string[]
}

interface NewPassword {
  userId: string
  passwordHash: string
  keepSession: string | null
  revokeApiKeys: boolean
}

const setPassword = async (
  tx: Transaction,
  { userId, passwordHash, keepSession, revokeApiKeys }: NewPassword,
): Promise<Ended> => {
  await tx.users.setPasswordHash(userId, passwordHash)
  await tx.passwordTokens.remove(userId)
  recordUser(tx, 'user.updated', userId, userId)
  const keys = revokeApiKeys ? await tx.apiKeys.revokeAllOf(userId, tx.now) : []
  for (const apiKeyId of keys) {
    const payload = { apiKeyId, userId }
    tx.record({ type: 'api_key.revoked', subjectType: 'api_key', subjectId: apiKeyId, payload }, userId)
  }
  const ending = { userId, reason: 'password_changed', actorId: userId, except: keepSession } as const
  return { sessions: await endSessionsOf(tx, ending), keys }
}
