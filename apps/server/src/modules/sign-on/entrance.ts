import type { Role, SignOnRefusal, UserRole } from '@gantry/schemas'

import { GantryError, newId, type Logger, type TransactionContext } from '../../kernel/index.js'
import { keepAnAdmin } from '../auth/admins.js'
import type { UserRecord, UserRepository } from '../auth/auth.ports.js'
import { endSessionsOf } from '../auth/end-sessions.js'
import type { RoleRepository } from '../auth/roles.ports.js'
import { recordUser } from '../auth/user-events.js'
import { nameOf } from '../users/account-names.js'
import type { AccountRepository, PasswordTokenRepository } from '../users/users.ports.js'
import { roleOfGroups, roleOfNewcomers, type GivenRole, type RoleMap } from './roles-of-groups.js'
import type { IdentityRepository, ProvenIdentity } from './sign-on.ports.js'

export interface EntranceRepositories {
  accounts: Pick<AccountRepository, 'lockAdmins' | 'otherAdmins' | 'createIfFree' | 'findByEmail'>
  identities: IdentityRepository
  passwordTokens: Pick<PasswordTokenRepository, 'remove'>
  roles: Pick<RoleRepository, 'list' | 'ofUser' | 'assign'>
  users: UserRepository
}
type Transaction = EntranceRepositories & TransactionContext

/** Who comes in, and the sessions that ended since their role became another one. */
export interface Entered {
  user: UserRecord
  ended: string[]
}

export const refusedSignOn = (reason: SignOnRefusal): GantryError =>
  new GantryError('SIGN_ON_REFUSED', { params: { reason } })

/** Which user somebody is for whom the provider vouches, with the role that their groups give them. */
export class Entrance {
  constructor(
    private readonly map: RoleMap,
    private readonly log: Logger,
  ) {}

  /** @throws GantryError `SIGN_ON_REFUSED` */
  async admit(tx: Transaction, proven: ProvenIdentity): Promise<Entered> {
    // First of all, as whoever changes roles does: two first sign-ons of one person come one after the other, too.
    await tx.accounts.lockAdmins()
    const made = await tx.roles.list()
    const decision = roleOfGroups(this.map, proven.groups, made)
    this.tellMissing(decision.missing)
    if (decision.role === null) throw refusedSignOn('no_role')
    const known = await tx.identities.find(proven.issuer, proven.subject)
    const userId =
      known === null ? await this.settle(tx, proven, decision.role, made) : await recognise(tx, known, proven)
    const user = await enabled(tx, userId)
    if (decision.role === 'as_is') return { user, ended: [] }
    const ended = await this.follow(tx, user, decision.role)
    return { user: await enabled(tx, userId), ended }
  }

  /** For whom there is no identity yet: the account that an admin made for their address, or a new one. */
  private async settle(
    tx: Transaction,
    proven: ProvenIdentity,
    wanted: GivenRole | 'as_is',
    made: readonly Role[],
  ): Promise<string> {
    const { email } = proven
    if (email === null) throw refusedSignOn('no_email')
    const owner = await tx.accounts.findByEmail(email)
    // Nobody has ever been in, and an admin wants whoever has the address in.
    if (owner !== null && owner.state !== 'invited') throw refusedSignOn('account_exists')
    const userId = owner?.id ?? (await this.create(tx, { ...proven, email }, wanted, made))
    // The link of the invitation.
    if (owner !== null) await tx.passwordTokens.remove(userId)
    await addIdentity(tx, userId, proven, tx.now)
    return userId
  }

  private async create(
    tx: Transaction,
    { email, displayName }: ProvenIdentity & { email: string },
    wanted: GivenRole | 'as_is',
    made: readonly Role[],
  ): Promise<string> {
    const { role, missing } =
      wanted === 'as_is' ? roleOfNewcomers(this.map.defaultRole, made) : { role: wanted, missing: [] }
    this.tellMissing(missing)
    if (role === null || role === 'as_is') throw refusedSignOn('no_role')
    const id = newId('user')
    const builtIn: UserRole = 'builtIn' in role ? role.builtIn : 'viewer'
    const account = { id, email, displayName: displayName ?? nameOf(email), passwordHash: null, role: builtIn }
    if (!(await tx.accounts.createIfFree({ ...account, createdById: null }))) throw refusedSignOn('account_exists')
    if ('id' in role) await tx.roles.assign(id, role, tx.now)
    recordUser(tx, 'user.created', id, id)
    return id
  }

  /** @returns the sessions that end, since access tokens and open streams carry the role of their login */
  private async follow(tx: Transaction, user: UserRecord, wanted: GivenRole): Promise<string[]> {
    const custom = (await tx.roles.ofUser(user.id)) ?? null
    const isSame = 'id' in wanted ? custom === wanted.id : custom === null && user.role === wanted.builtIn
    if (isSame || (user.role === 'admin' && !(await this.mayLose(tx, user)))) return []
    await tx.roles.assign(user.id, wanted, tx.now)
    recordUser(tx, 'user.updated', user.id, user.id)
    return endSessionsOf(tx, { userId: user.id, reason: 'role_changed', actorId: user.id })
  }

  /** The last admin who has a password stays one, whatever the provider says: somebody must get in without it. */
  private async mayLose(tx: Transaction, { id }: UserRecord): Promise<boolean> {
    try {
      await keepAnAdmin(tx.accounts, id)
      return true
    } catch (error) {
      if (!(error instanceof GantryError) || error.code !== 'INVALID_STATE') throw error
      this.log.warn({ userId: id }, 'the last admin with a password stays one, though their groups say otherwise')
      return false
    }
  }

  private tellMissing(roles: readonly string[]): void {
    if (roles.length > 0) this.log.warn({ roles }, 'the settings of single sign-on name roles that are not there')
  }
}

export const addIdentity = async (
  tx: Pick<EntranceRepositories, 'identities'> & TransactionContext,
  userId: string,
  { issuer, subject, email }: ProvenIdentity,
  lastUsedAt: Date | null,
): Promise<void> => {
  const id = newId('identity')
  if (!(await tx.identities.addIfFree({ id, userId, issuer, subject, email, lastUsedAt }))) {
    throw refusedSignOn('identity_taken')
  }
  const payload = { identityId: id, userId }
  tx.record({ type: 'identity.linked', subjectType: 'user', subjectId: userId, payload }, userId)
}

const recognise = async (
  tx: Transaction,
  known: { id: string; userId: string },
  { email }: ProvenIdentity,
): Promise<string> => {
  await tx.identities.used(known.id, email, tx.now)
  return known.userId
}

const enabled = async (tx: Transaction, userId: string): Promise<UserRecord> => {
  const user = await tx.users.lock(userId)
  if (user === null || user.disabledAt !== null) throw refusedSignOn('disabled')
  return user
}
