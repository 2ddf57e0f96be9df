import { createHash, randomBytes } from 'node:crypto'

import type { PasswordLink } from '@gantry/schemas'

import { GantryError, type TransactionContext } from '../../kernel/index.js'
import { emailNotification, type EmailContent } from '../notifications/notifications.jobs.js'
import { passwordLinkAt, passwordPage } from '../notifications/password-page.js'
import type { CredentialSealer } from '../printers/printers.ports.js'
import type { PasswordTokenRepository, TokenPurpose } from './users.ports.js'

const MINUTE_MS = 60_000
const LIFETIME_MS: Readonly<Record<TokenPurpose, number>> = {
  invitation: 7 * 24 * 60 * MINUTE_MS,
  reset: 30 * MINUTE_MS,
}

export interface PasswordLinksDeps {
  sealer: CredentialSealer
  /** How users reach the server; null: it does not know. */
  publicUrl: string | null
  /** Whether there is a mail server. */
  canMail: boolean
}

/** As it may be kept: what is secret is sealed. */
export interface IssuedLink {
  userId: string
  purpose: TokenPurpose
  expiresAt: Date
  sealedToken: string
}

type Transaction = TransactionContext & { passwordTokens: PasswordTokenRepository }

/** What is stored of a token. Without a salt, since it has more entropy than anybody could try. */
export const passwordTokenHash = (token: string): string => createHash('sha256').update(token).digest('hex')

/** There is no such token, it was used, it has expired, or another took its place. */
export const linkIsOver = () => new GantryError('LINK_EXPIRED')

/** Links by which people choose a password without having one: made, mailed where that is possible, and shown else. */
export class PasswordLinks {
  constructor(private readonly deps: PasswordLinksDeps) {}

  /** The user's last link is over with it. */
  async issue(tx: Transaction, user: { id: string; email: string }, purpose: TokenPurpose): Promise<IssuedLink> {
    const token = randomBytes(32).toString('base64url')
    const expiresAt = new Date(tx.now.getTime() + LIFETIME_MS[purpose])
    const tokenHash = passwordTokenHash(token)
    await tx.passwordTokens.put({ userId: user.id, purpose, tokenHash, createdAt: tx.now, expiresAt })
    const sealedToken = this.deps.sealer.seal(token, passwordLinkAt(user.id))
    if (this.deps.canMail) {
      const content = contentOf(purpose, { userId: user.id, sealedToken, expiresAt: expiresAt.toISOString() })
      tx.jobs.add(emailNotification, { to: user.email, key: `${purpose}:${user.id}:${tx.now.getTime()}`, content })
    }
    return { userId: user.id, purpose, expiresAt, sealedToken }
  }

  /** For the admin who made it: with the token only when nobody mails it. */
  shown({ userId, purpose, expiresAt, sealedToken }: IssuedLink): PasswordLink {
    const { sealer, publicUrl, canMail } = this.deps
    if (canMail) return { purpose, expiresAt, isMailed: true, token: null, link: null }
    const token = sealer.open(sealedToken, passwordLinkAt(userId))
    const link = publicUrl === null ? null : passwordPage(publicUrl, purpose, token)
    return { purpose, expiresAt, isMailed: false, token, link }
  }
}

const contentOf = (
  purpose: TokenPurpose,
  data: { userId: string; sealedToken: string; expiresAt: string },
): EmailContent => (purpose === 'invitation' ? { template: 'invitation', data } : { template: 'password-reset', data })
