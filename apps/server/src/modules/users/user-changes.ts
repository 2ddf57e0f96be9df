import type { TransactionContext } from '../../kernel/index.js'

type UserEvent = 'user.created' | 'user.updated' | 'user.disabled' | 'user.deleted'

export const recordUser = (tx: TransactionContext, type: UserEvent, userId: string, actorId: string): void =>
  tx.record({ type, subjectType: 'user', subjectId: userId, payload: { userId } }, actorId)

/** What an account is called that nobody gave a name. */
export const nameOf = (email: string): string => email.slice(0, email.indexOf('@')).slice(0, 100)
