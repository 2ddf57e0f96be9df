import type { TransactionContext } from '../../kernel/index.js'
import type { SessionEnd, UserRepository } from './auth.ports.js'

interface Ending {
  userId: string
  reason: SessionEnd
  /** Who ends them. */
  actorId: string
  /** This one goes on. */
  except?: string | null
}

/**
 * Ends the sessions of a user and tells every instance. @returns their ids: once the transaction is committed this
 * process has to forget them at once
 */
export const endSessionsOf = async (
  tx: TransactionContext & { users: Pick<UserRepository, 'revokeSessionsOf'> },
  { userId, reason, actorId, except = null }: Ending,
): Promise<string[]> => {
  const ended = await tx.users.revokeSessionsOf(userId, reason, tx.now, except ?? undefined)
  for (const sessionId of ended) recordEnded(tx, { sessionId, userId }, actorId)
  return ended
}

export const recordEnded = (
  tx: TransactionContext,
  payload: { sessionId: string; userId: string },
  actorId: string,
): void => tx.record({ type: 'session.ended', subjectType: 'session', subjectId: payload.sessionId, payload }, actorId)
