import type { StoredEvent, TransactionContext } from '../../kernel/index.js'

type UserEventType = 'user.created' | 'user.updated' | 'user.disabled' | 'user.deleted'
type RightsEvent = Extract<StoredEvent, { type: Exclude<UserEventType, 'user.created'> }>

/** Tells of a change of a user, of their rights too: other instances forget what they remember of them. */
export const recordUser = (tx: TransactionContext, type: UserEventType, userId: string, actorId: string): void =>
  tx.record({ type, subjectType: 'user', subjectId: userId, payload: { userId } }, actorId)

/** After which what is remembered of a user's rights must be asked anew. */
export const isAboutUser = (event: StoredEvent): event is RightsEvent =>
  event.type === 'user.updated' || event.type === 'user.disabled' || event.type === 'user.deleted'
