import type { CurrentUser } from '@gantry/schemas'

import { GantryError, newId, type TransactionContext, type UnitOfWork } from '../../kernel/index.js'
import type { LoginOrigin } from '../auth/auth.service.js'
import { checkNewPassword } from '../auth/password-policy.js'
import { hashPassword } from '../auth/passwords.js'
import { emailNotification } from '../notifications/notifications.jobs.js'
import type { AccountRepository, TryLimiter } from './users.ports.js'

interface Repositories {
  users: AccountRepository
}
type Transaction = Repositories & TransactionContext

export interface UsersServiceDeps {
  unitOfWork: UnitOfWork<Repositories>
  /** That of the logins: whoever registers makes a try there. */
  limiter: TryLimiter
  isRegistrationOpen: boolean
}

export interface Registration {
  /** In lower case. */
  email: string
  password: string
  /** @default what stands before the `@` */
  displayName?: string | undefined
}

/** The accounts of people. */
export class UsersService {
  constructor(private readonly deps: UsersServiceDeps) {}

  /**
   * Makes an account for whoever comes, as a viewer. The answer, and about the time to it, is the same when the address
   * is taken: then nothing is made, what is answered is nobody's, and a mail tells the address's owner.
   * @throws GantryError `REGISTRATION_CLOSED`, `PASSWORD_REFUSED`, `RATE_LIMITED`, `UNAVAILABLE`
   */
  async register({ email, password, displayName }: Registration, { ip }: LoginOrigin): Promise<CurrentUser> {
    const { unitOfWork, limiter, isRegistrationOpen } = this.deps
    if (!isRegistrationOpen) throw new GantryError('REGISTRATION_CLOSED')
    await checkNewPassword({ password, email })
    await limiter.begin(email, ip)
    const passwordHash = await hashPassword(password)
    const name = displayName ?? email.slice(0, email.indexOf('@'))
    const user = { id: newId('user'), email, displayName: name, role: 'viewer' } as const
    await unitOfWork.run(async (tx) => {
      const isFree = await tx.users.createIfFree({ ...user, passwordHash })
      if (isFree) recordCreated(tx, user.id)
      else await tellOwner(tx, email)
    })
    return { ...user, analyticsOptOut: false }
  }
}

const recordCreated = (tx: TransactionContext, userId: string): void =>
  tx.record({ type: 'user.created', subjectType: 'user', subjectId: userId, payload: { userId } }, userId)

/** At most once a day, however often somebody tries. */
const tellOwner = async (tx: Transaction, email: string): Promise<void> => {
  const owner = await tx.users.findByEmail(email)
  if (owner === null) return
  const key = `registration:${owner.id}:${tx.now.toISOString().slice(0, 10)}`
  tx.jobs.add(emailNotification, { to: email, key, content: { template: 'registration-tried', data: {} } })
}
