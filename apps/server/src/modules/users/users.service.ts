import type {
  CreatedUser,
  CreateUserInput,
  CurrentUser,
  DataExport,
  DeleteUserInput,
  ExportFormat,
  Page,
  PasswordLink,
  UpdateUserInput,
  UserAccount,
} from '@gantry/schemas'
import { ROLE_PERMISSIONS } from '@gantry/schemas'

import {
  GantryError,
  inRole,
  invalidField,
  newId,
  notFound,
  type Actor,
  type Primary,
  type TransactionContext,
  type UnitOfWork,
} from '../../kernel/index.js'
import { keepAnAdmin } from '../auth/admins.js'
import type { SessionEnd, UserRepository } from '../auth/auth.ports.js'
import type { LoginOrigin } from '../auth/auth.service.js'
import { endSessionsOf } from '../auth/end-sessions.js'
import { checkNewPassword } from '../auth/password-policy.js'
import { hashPassword } from '../auth/passwords.js'
import type { ExportsService } from '../exports/exports.service.js'
import { expectAnother, expectNoMore, granted } from '../auth/role-grants.js'
import type { RoleRepository } from '../auth/roles.ports.js'
import { recordUser } from '../auth/user-events.js'
import { nameOf } from './account-names.js'
import type { IssuedLink, PasswordLinks } from './password-links.js'
import { register, type RegistrationDeps, type RegistrationRequest } from './registration.js'
import type { AccountQuery, AccountRepository, PasswordTokenRepository } from './users.ports.js'

interface Repositories {
  accounts: AccountRepository
  passwordTokens: PasswordTokenRepository
  roles: Pick<RoleRepository, 'ofUser' | 'get'>
  users: Pick<UserRepository, 'lock' | 'revokeSessionsOf'>
}
type Transaction = Repositories & TransactionContext

export interface UsersServiceDeps extends RegistrationDeps {
  unitOfWork: UnitOfWork<Repositories>
  reads: Primary<Pick<Repositories, 'accounts' | 'roles'>>
  links: PasswordLinks
  exports: Pick<ExportsService, 'create' | 'get'>
  /** Makes this process forget a session at once. */
  forgetSession: (sessionId: string) => void
}

/** The accounts of people, as admins look after them. Who may is said by the procedures. */
export class UsersService {
  constructor(private readonly deps: UsersServiceDeps) {}

  /** See {@link register}. */
  register(request: RegistrationRequest, origin: LoginOrigin): Promise<CurrentUser> {
    return register(this.deps, request, origin)
  }

  list(_actor: Actor, query: AccountQuery): Promise<Page<UserAccount>> {
    return this.deps.reads.accounts.list(query)
  }

  /** @throws GantryError `NOT_FOUND` */
  get(_actor: Actor, userId: string): Promise<UserAccount> {
    return find(this.deps.reads, userId)
  }

  /**
   * With a password, or with a link by which the user chooses one.
   * @throws GantryError `PASSWORD_REFUSED`, `NAME_TAKEN` for an address that somebody has
   */
  async create(actor: Actor, { idempotencyKey, password, ...input }: CreateUserInput): Promise<CreatedUser> {
    const { email } = input
    granted(actor, ROLE_PERMISSIONS[input.role])
    if (password !== undefined) await checkNewPassword({ password, email })
    const passwordHash = password === undefined ? null : await hashPassword(password)
    const work = (tx: Transaction) => this.createIn(tx, actor, { ...input, passwordHash })
    // Whether there was a password, not which: a fast hash of it must not be kept anywhere.
    const call = { actorId: actor.id, procedure: 'users.create', input: { ...input, isInvited: passwordHash === null } }
    const { unitOfWork, links } = this.deps
    const { id, invitation } = await (idempotencyKey === undefined
      ? unitOfWork.run(work)
      : unitOfWork.once({ ...call, key: idempotencyKey }, work))
    return { user: await this.get(actor, id), invitation: invitation === null ? null : links.shown(invitation) }
  }

  /**
   * Another role ends the user's sessions.
   * @throws GantryError `NOT_FOUND`, `VERSION_CONFLICT`, `INVALID_STATE` for the last admin
   */
  update(actor: Actor, { id, ifVersion, displayName, role }: UpdateUserInput): Promise<UserAccount> {
    return this.change(actor, id, async (tx, user) => {
      // Who has a role that people made stands as a viewer beneath it.
      const isOther = role !== undefined && (role !== user.role || (await tx.roles.ofUser(id)) !== null)
      if (isOther) granted(actor, ROLE_PERMISSIONS[role])
      if (isOther && user.role === 'admin') await keepAnAdmin(tx.accounts, id)
      if (!(await tx.accounts.update(id, { displayName, role }, tx.now, ifVersion))) {
        throw new GantryError('VERSION_CONFLICT', {
          params: { ifVersion: ifVersion ?? user.version, version: user.version },
        })
      }
      recordUser(tx, 'user.updated', id, actor.id)
      return isOther ? 'role_changed' : null
    })
  }

  /** Ends the user's sessions. @throws GantryError `NOT_FOUND`, `INVALID_STATE` for the last admin */
  disable(actor: Actor, userId: string): Promise<UserAccount> {
    return this.change(actor, userId, async (tx, user) => {
      if (user.disabledAt !== null) return null
      if (user.role === 'admin') await keepAnAdmin(tx.accounts, userId)
      await tx.accounts.update(userId, { disabledAt: tx.now }, tx.now)
      await tx.passwordTokens.remove(userId)
      recordUser(tx, 'user.disabled', userId, actor.id)
      return 'user_disabled'
    })
  }

  /** @throws GantryError `NOT_FOUND` */
  enable(actor: Actor, userId: string): Promise<UserAccount> {
    return this.change(actor, userId, async (tx, user) => {
      if (user.disabledAt === null) return null
      await tx.accounts.update(userId, { disabledAt: null }, tx.now)
      recordUser(tx, 'user.updated', userId, actor.id)
      return null
    })
  }

  /**
   * Another invitation for who has not chosen a password yet, a reset for who has; the last link is over with it.
   * @throws GantryError `NOT_FOUND`, `INVALID_STATE` for who is disabled, and for oneself
   */
  async sendPasswordLink(actor: Actor, userId: string): Promise<PasswordLink> {
    expectAnother(actor, userId)
    const { links, unitOfWork } = this.deps
    const issued = await unitOfWork.run(async (tx) => {
      const user = await find(tx, userId)
      await expectNoMore(tx, actor, user)
      if (user.state === 'disabled') {
        throw new GantryError('INVALID_STATE', { params: { detail: 'the user is disabled' } })
      }
      return links.issue(tx, user, user.state === 'invited' ? 'invitation' : 'reset')
    })
    return links.shown(issued)
  }

  /** Everything that is the user's, for a user who will be deleted. @throws GantryError `NOT_FOUND`, `FORBIDDEN`, `EXPORT_LIMIT_REACHED` */
  async orderExport(actor: Actor, userId: string, format: ExportFormat): Promise<DataExport> {
    return this.deps.exports.create(await this.exportOwner(actor, userId), { kind: 'full', scope: 'own', format })
  }

  /** @throws GantryError `NOT_FOUND`, `FORBIDDEN` for a user who may more */
  async getExport(actor: Actor, userId: string, exportId: string): Promise<DataExport> {
    return this.deps.exports.get(await this.exportOwner(actor, userId), exportId, actor.id)
  }

  /** Who takes all that is a user's is one who may all that the user may. */
  private async exportOwner(actor: Actor, userId: string): Promise<Actor> {
    const user = await this.get(actor, userId)
    await expectNoMore(this.deps.reads, actor, user)
    return ownerOf(user)
  }

  /**
   * For good. What the user made for the farm stays, under an id that names nobody any more.
   * @throws GantryError `NOT_FOUND`, `INVALID_STATE` for the last admin, or without a finished export or a word that none
   *   is wanted
   */
  async delete(actor: Actor, { id, exportId, waiveExport }: DeleteUserInput): Promise<void> {
    if (!waiveExport) await this.checkExport(actor, id, exportId)
    const ended = await this.deps.unitOfWork.run(async (tx) => {
      const user = await locked(tx, actor, id)
      if (user.role === 'admin') await keepAnAdmin(tx.accounts, id)
      const sessions = await endSessionsOf(tx, { userId: id, reason: 'user_deleted', actorId: actor.id })
      await tx.accounts.remove(id)
      recordUser(tx, 'user.deleted', id, actor.id)
      return sessions
    })
    ended.forEach(this.deps.forgetSession)
  }

  private async checkExport(actor: Actor, userId: string, exportId: string | undefined): Promise<void> {
    if (exportId === undefined) throw invalidField('exportId', 'is needed, unless waiveExport says that none is wanted')
    const { kind, scope, state } = await this.getExport(actor, userId, exportId)
    if (kind === 'full' && scope === 'own' && state === 'ready') return
    throw new GantryError('INVALID_STATE', { params: { detail: 'the export is not a finished one of all their data' } })
  }

  private async createIn(
    tx: Transaction,
    actor: Actor,
    { email, displayName = nameOf(email), role, passwordHash }: NewUserInput,
  ): Promise<{ id: string; invitation: IssuedLink | null }> {
    const id = newId('user')
    const isFree = await tx.accounts.createIfFree({ id, email, displayName, role, passwordHash, createdById: actor.id })
    if (!isFree) throw new GantryError('NAME_TAKEN', { params: { name: email }, fields: { email: ['is in use'] } })
    recordUser(tx, 'user.created', id, actor.id)
    const invitation = passwordHash === null ? await this.deps.links.issue(tx, { id, email }, 'invitation') : null
    return { id, invitation }
  }

  /** @param change says why the sessions end; null: they do not */
  private async change(
    actor: Actor,
    userId: string,
    change: (tx: Transaction, user: UserAccount) => Promise<SessionEnd | null>,
  ): Promise<UserAccount> {
    const ended = await this.deps.unitOfWork.run(async (tx) => {
      const reason = await change(tx, await locked(tx, actor, userId))
      return reason === null ? [] : endSessionsOf(tx, { userId, reason, actorId: actor.id })
    })
    ended.forEach(this.deps.forgetSession)
    return this.get(actor, userId)
  }
}

type NewUserInput = Omit<CreateUserInput, 'password' | 'idempotencyKey'> & { passwordHash: string | null }

const find = async ({ accounts }: Pick<Repositories, 'accounts'>, userId: string): Promise<UserAccount> => {
  const user = await accounts.get(userId)
  if (user === null) throw notFound('user', userId)
  return user
}

/** Of two who take the last two admins away at once one is refused, and nobody logs in meanwhile. */
const locked = async (tx: Transaction, actor: Actor, userId: string): Promise<UserAccount> => {
  await tx.accounts.lockAdmins()
  await tx.users.lock(userId)
  const user = await find(tx, userId)
  await expectNoMore(tx, actor, user)
  return user
}

/** Exports are their owner's alone: whoever orders one for a user orders it in the user's name. */
const ownerOf = ({ id, role }: UserAccount): Actor => ({
  ...{ kind: 'user', id, ...inRole(role), sessionId: null, apiKeyId: null },
  scope: { printerGroups: 'all', projects: 'all' },
})
