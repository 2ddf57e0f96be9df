import type { CurrentUser } from '@gantry/schemas'

import { GantryError, newId, type TransactionContext, type UnitOfWork } from '../../kernel/index.js'
import type { LoginOrigin } from '../auth/auth.service.js'
import { checkNewPassword } from '../auth/password-policy.js'
import { hashPassword } from '../auth/passwords.js'
import { recordUser } from '../auth/user-events.js'
import { emailNotification } from '../notifications/notifications.jobs.js'
import { nameOf } from './account-names.js'
import type { AccountRepository, TryLimiter } from './users.ports.js'

interface Repositories {
  accounts: AccountRepository
}

export interface RegistrationDeps {
  unitOfWork: UnitOfWork<Repositories>
  /** That of the logins: whoever registers makes a try there. */
  limiter: TryLimiter
  isRegistrationOpen: boolean
}

export interface RegistrationRequest {
  /** In lower case. */
  email: string
  password: string
  /** @default what stands before the `@` */
  displayName?: string | undefined
}

/**
 * Makes an account for whoever comes, as a viewer. The answer, and about the time to it, is the same when the address
 * is taken: then nothing is made, what is answered is nobody's, and a mail tells the address's owner.
 * @throws GantryError `REGISTRATION_CLOSED`, `PASSWORD_REFUSED`, `RATE_LIMITED`, `UNAVAILABLE`
 */
export const register = async (
  { unitOfWork, limiter, isRegistrationOpen }: RegistrationDeps,
  { email, password, displayName = nameOf(email) }: RegistrationRequest,
  { ip }: LoginOrigin,
): Promise<CurrentUser> => {
  if (!isRegistrationOpen) throw new GantryError('REGISTRATION_CLOSED')
  await checkNewPassword({ password, email })
  await limiter.begin(email, ip)
  const passwordHash = await hashPassword(password)
  const user = { id: newId('user'), email, displayName, role: 'viewer' } as const
  await unitOfWork.run(async (tx) => {
    const isFree = await tx.accounts.createIfFree({ ...user, passwordHash, createdById: null })
    if (isFree) recordUser(tx, 'user.created', user.id, user.id)
    else await tellOwner(tx, email)
  })
  return { ...user, analyticsOptOut: false }
}

/** At most once a day, however often somebody tries. */
const tellOwner = async (tx: Repositories & TransactionContext, email: string): Promise<void> => {
  const owner = await tx.accounts.findByEmail(email)
  if (owner === null) return
  const key = `registration:${owner.id}:${tx.now.toISOString().slice(0, 10)}`
  tx.jobs.add(emailNotification, { to: email, key, content: { template: 'registration-tried', data: {} } })
}
