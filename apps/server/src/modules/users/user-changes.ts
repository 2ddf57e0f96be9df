import { GantryError, type TransactionContext } from '../../kernel/index.js'
import type { AccountRepository } from './users.ports.js'

type UserEvent = 'user.created' | 'user.updated' | 'user.disabled' | 'user.deleted'

export const recordUser = (tx: TransactionContext, type: UserEvent, userId: string, actorId: string): void =>
  tx.record({ type, subjectType: 'user', subjectId: userId, payload: { userId } }, actorId)

/** Called before a user stops being an admin who may log in, with the admins locked. @throws GantryError `INVALID_STATE` */
export const keepAnAdmin = async (accounts: AccountRepository, userId: string): Promise<void> => {
  if ((await accounts.otherAdmins(userId)) > 0) return
  throw new GantryError('INVALID_STATE', { params: { detail: 'this is the last admin who may log in' } })
}

/** What an account is called that nobody gave a name. */
export const nameOf = (email: string): string => email.slice(0, email.indexOf('@')).slice(0, 100)
