import { GantryError, notFound, type Actor, type Clock, type Primary } from '../../kernel/index.js'
import type { UserRecord, UserRepository } from './auth.ports.js'
import type { LoginLimiter } from './login-limiter.js'
import { verifyPassword } from './passwords.js'

export interface ReauthenticationOptions {
  reads: Primary<{ users: UserRepository }>
  limiter: LoginLimiter
  /** Hears of every proof that was refused. @default nobody */
  refused?: (code: 'INVALID_CREDENTIALS' | 'RATE_LIMITED') => void
  clock: Clock
}

/** So long a fresh sign-on at the identity provider stands for a password. */
const FRESH_MS = 5 * 60_000

/** Whoever changes how one logs in, or gives away rights, proves once more who one is. */
export class Reauthentication {
  constructor(private readonly options: ReauthenticationOptions) {}

  /**
   * Limited as logins are, so that a stolen session does not serve to try passwords out. Who has no password proves it by
   * a session that began, within five minutes, with a sign-on for which the identity provider asked anew.
   * @throws GantryError `INVALID_CREDENTIALS`, `RATE_LIMITED`, `SIGN_ON_REQUIRED` for who has no password
   */
  async confirm(actor: Actor, password: string | undefined, ip: string | null): Promise<UserRecord> {
    try {
      return await this.prove(actor, password, ip)
    } catch (error) {
      this.noteRefusal(error)
      throw error
    }
  }

  /** Of a code that comes beside the password, too. */
  noteRefusal(error: unknown): void {
    const code = error instanceof GantryError ? error.code : null
    if (code === 'INVALID_CREDENTIALS' || code === 'RATE_LIMITED') this.options.refused?.(code)
  }

  private async prove({ id, sessionId }: Actor, password: string | undefined, ip: string | null): Promise<UserRecord> {
    const { reads, limiter } = this.options
    const user = await reads.users.get(id)
    if (user === null) throw notFound('user', id)
    if (user.passwordHash === null) {
      await this.expectFreshSignOn(sessionId)
      return user
    }
    await limiter.begin(user.email, ip)
    if (password === undefined || !(await verifyPassword(user.passwordHash, password)))
      throw new GantryError('INVALID_CREDENTIALS')
    await limiter.succeeded(user.email, ip)
    return user
  }

  private async expectFreshSignOn(sessionId: string | null): Promise<void> {
    const { reads, clock } = this.options
    const at = sessionId === null ? null : await reads.users.reauthenticatedAt(sessionId)
    if (at === null || clock.now() - at.getTime() > FRESH_MS) throw new GantryError('SIGN_ON_REQUIRED')
  }
}
