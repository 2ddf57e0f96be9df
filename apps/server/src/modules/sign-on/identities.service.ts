import type { Identity, LinkIdentityInput, OwnIdentities, UnlinkIdentityInput } from '@gantry/schemas'

import {
  GantryError,
  notFound,
  type Actor,
  type Primary,
  type TransactionContext,
  type UnitOfWork,
} from '../../kernel/index.js'
import type { UserRecord, UserRepository } from '../auth/auth.ports.js'
import type { LoginOrigin } from '../auth/auth.service.js'
import { endSessionsOf } from '../auth/end-sessions.js'
import type { Reauthentication } from '../auth/reauthentication.js'
import { expectNoMore } from '../auth/role-grants.js'
import type { RoleRepository } from '../auth/roles.ports.js'
import { addIdentity, refusedSignOn } from './entrance.js'
import type { IdentityRepository } from './sign-on.ports.js'
import type { SignOnService } from './sign-on.service.js'

interface Repositories {
  identities: IdentityRepository
  roles: Pick<RoleRepository, 'ofUser' | 'get'>
  users: Pick<UserRepository, 'get' | 'lock' | 'revokeSessionsOf'>
}
type Transaction = Repositories & TransactionContext

export interface IdentitiesServiceDeps {
  unitOfWork: UnitOfWork<Repositories>
  reads: Primary<Repositories>
  signOn: Pick<SignOnService, 'redeem'>
  reauthentication: Reauthentication
  /** Makes this process forget a session at once. */
  forgetSession: (sessionId: string) => void
}

const MOST_IDENTITIES = 10

/** With whom at an identity provider people are let in as a user. Who may is said by the procedures. */
export class IdentitiesService {
  constructor(private readonly deps: IdentitiesServiceDeps) {}

  async own({ id }: Actor): Promise<OwnIdentities> {
    const { reads } = this.deps
    const user = await reads.users.get(id)
    return { hasPassword: user !== null && user.passwordHash !== null, items: await reads.identities.listOf(id) }
  }

  /** @throws GantryError `NOT_FOUND` */
  async listOf(userId: string): Promise<Identity[]> {
    const { reads } = this.deps
    if ((await reads.users.get(userId)) === null) throw notFound('user', userId)
    return reads.identities.listOf(userId)
  }

  /**
   * The one who signed on for the ticket is the actor from now on.
   * @throws GantryError `INVALID_CREDENTIALS`, `SIGN_ON_REQUIRED`, `SIGN_ON_FAILED`, `SIGN_ON_REFUSED`, `RATE_LIMITED`,
   *   `INVALID_STATE` when there are too many
   */
  async link(actor: Actor, { password, ...ticket }: LinkIdentityInput, origin: LoginOrigin): Promise<OwnIdentities> {
    const { reauthentication, signOn, unitOfWork } = this.deps
    // First, so that a password that was mistyped does not use up the ticket.
    await reauthentication.confirm(actor, password, origin.ip)
    const { identity } = await signOn.redeem(ticket, 'link', origin)
    await unitOfWork.run(async (tx) => {
      await locked(tx, actor.id)
      const known = await tx.identities.find(identity.issuer, identity.subject)
      if (known !== null && known.userId !== actor.id) throw refusedSignOn('identity_taken')
      if (known !== null) return
      if ((await tx.identities.listOf(actor.id)).length >= MOST_IDENTITIES) {
        throw refused(`an account has at most ${MOST_IDENTITIES} identities`)
      }
      await addIdentity(tx, actor.id, identity, null)
    })
    return this.own(actor)
  }

  /** @throws GantryError `NOT_FOUND`, `INVALID_CREDENTIALS`, `SIGN_ON_REQUIRED`, `RATE_LIMITED`, `INVALID_STATE` for the only way in */
  async unlink(actor: Actor, { id, password }: UnlinkIdentityInput, origin: LoginOrigin): Promise<OwnIdentities> {
    const { reauthentication, unitOfWork } = this.deps
    await reauthentication.confirm(actor, password, origin.ip)
    await unitOfWork.run(async (tx) => {
      const { passwordHash } = await locked(tx, actor.id)
      const others = (await tx.identities.listOf(actor.id)).filter((identity) => identity.id !== id)
      if (passwordHash === null && others.length === 0) throw refused('nothing else lets you in')
      await remove(tx, { userId: actor.id, identityId: id, actorId: actor.id })
    })
    return this.own(actor)
  }

  /** By an admin; ends the user's sessions. @throws GantryError `NOT_FOUND`, `FORBIDDEN` for somebody who may more */
  async unlinkOf(actor: Actor, userId: string, identityId: string): Promise<void> {
    const { unitOfWork, forgetSession } = this.deps
    const ended = await unitOfWork.run(async (tx) => {
      await expectNoMore(tx, actor, await locked(tx, userId))
      await remove(tx, { userId, identityId, actorId: actor.id })
      return endSessionsOf(tx, { userId, reason: 'revoked', actorId: actor.id })
    })
    ended.forEach(forgetSession)
  }
}

const refused = (detail: string) => new GantryError('INVALID_STATE', { params: { detail } })

const locked = async (tx: Transaction, userId: string): Promise<UserRecord> => {
  const user = await tx.users.lock(userId)
  if (user === null) throw notFound('user', userId)
  return user
}

const remove = async (
  tx: Transaction,
  { userId, identityId, actorId }: { userId: string; identityId: string; actorId: string },
): Promise<void> => {
  if (!(await tx.identities.remove(userId, identityId))) throw notFound('identity', identityId)
  const payload = { identityId, userId }
  tx.record({ type: 'identity.unlinked', subjectType: 'user', subjectId: userId, payload }, actorId)
}
