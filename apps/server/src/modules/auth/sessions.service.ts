import type { Page, UserSession } from '@gantry/schemas'

import { notFound, type Actor, type Primary, type UnitOfWork } from '../../kernel/index.js'
import type { SessionQuery, SessionRepository, UserRepository } from './auth.ports.js'
import { endSessionsOf, recordEnded } from './end-sessions.js'
import { expectNoMore } from './role-grants.js'
import type { RoleRepository } from './roles.ports.js'

interface Repositories {
  roles: Pick<RoleRepository, 'ofUser' | 'get'>
  sessions: SessionRepository
  users: Pick<UserRepository, 'get' | 'revokeSessionsOf'>
}

export interface SessionsServiceDeps {
  unitOfWork: UnitOfWork<Repositories>
  reads: Primary<Repositories>
  /** Makes this process forget a session at once. */
  forgetSession: (sessionId: string) => void
}

/** The logins of a user that go on: the actor's own, or for an admin anybody's. Who may is said by the procedures. */
export class SessionsService {
  constructor(private readonly deps: SessionsServiceDeps) {}

  /** @throws GantryError `NOT_FOUND` when there is no such user */
  async list(actor: Actor, userId: string, query: SessionQuery): Promise<Page<UserSession>> {
    const { reads } = this.deps
    if ((await reads.users.get(userId)) === null) throw notFound('user', userId)
    const { items, nextCursor } = await reads.sessions.list(userId, query)
    return { items: items.map((session) => ({ ...session, isCurrent: session.id === actor.sessionId })), nextCursor }
  }

  /**
   * @throws GantryError `NOT_FOUND`, also for a session that is somebody else's or is over; `FORBIDDEN` for somebody who
   *   may more
   */
  async end(actor: Actor, userId: string, sessionId: string): Promise<void> {
    const { unitOfWork, forgetSession } = this.deps
    await unitOfWork.run(async (tx) => {
      await expectOwnOrNoMore(tx, actor, userId)
      if (!(await tx.sessions.end(userId, sessionId, 'revoked', tx.now))) throw notFound('session', sessionId)
      recordEnded(tx, { sessionId, userId }, actor.id)
    })
    forgetSession(sessionId)
  }

  /**
   * All of the user's, save the one that asks.
   * @returns how many
   * @throws GantryError `NOT_FOUND` for no such user, `FORBIDDEN` for one who may more
   */
  async endOthers(actor: Actor, userId: string): Promise<number> {
    const { unitOfWork, forgetSession } = this.deps
    const ended = await unitOfWork.run(async (tx) => {
      await expectOwnOrNoMore(tx, actor, userId)
      return endSessionsOf(tx, { userId, reason: 'revoked', actorId: actor.id, except: actor.sessionId })
    })
    ended.forEach(forgetSession)
    return ended.length
  }
}

const expectOwnOrNoMore = async (tx: Repositories, actor: Actor, userId: string): Promise<void> => {
  if (userId === actor.id) return
  const user = await tx.users.get(userId)
  if (user === null) throw notFound('user', userId)
  await expectNoMore(tx, actor, user)
}
