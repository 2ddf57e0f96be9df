import type { ApiKey, ApiKeyWithSecret, CreateApiKeyInput } from '@gantry/schemas'

import {
  assertMay,
  GantryError,
  invalidField,
  newId,
  notFound,
  type Actor,
  type Primary,
  type TransactionContext,
  type UnitOfWork,
} from '../../kernel/index.js'
import { newApiKeyToken } from './api-key-token.js'
import type { ApiKeyRepository } from './api-keys.ports.js'
import type { UserRepository } from './auth.ports.js'
import type { PlaceRepository } from './places.ports.js'
import { expectPlaces } from './places.js'
import type { Reauthentication } from './reauthentication.js'
import { expectNoMore } from './role-grants.js'
import type { RoleRepository } from './roles.ports.js'

interface Repositories {
  apiKeys: ApiKeyRepository
  places: PlaceRepository
  users: Pick<UserRepository, 'get'>
  roles: Pick<RoleRepository, 'ofUser' | 'get'>
}

export interface ApiKeysServiceDeps {
  unitOfWork: UnitOfWork<Repositories>
  reads: Primary<Pick<Repositories, 'apiKeys' | 'users'>>
  reauthentication: Reauthentication
  /** Makes this process forget a key at once. */
  forgetKey: (keyId: string) => void
}

/** Of one user, as long as they are not revoked. */
const MOST_KEYS = 50

/** API keys of users; a user's own, save that who manages users may revoke those of users who may no more than they do. */
export class ApiKeysService {
  constructor(private readonly deps: ApiKeysServiceDeps) {}

  list({ id }: Actor): Promise<ApiKey[]> {
    return this.deps.reads.apiKeys.list(id)
  }

  /** Of any user. @throws GantryError `NOT_FOUND` */
  async listOf(userId: string): Promise<ApiKey[]> {
    const { users, apiKeys } = this.deps.reads
    if ((await users.get(userId)) === null) throw notFound('user', userId)
    return apiKeys.list(userId)
  }

  /**
   * The answer alone holds the key: only its hash is kept, so that a repeated call cannot get it again and makes another.
   * @throws GantryError `INVALID_CREDENTIALS`, `RATE_LIMITED`, `FORBIDDEN` for a scope that the actor has not got itself,
   * `NOT_FOUND` for printer groups and projects, `VALIDATION_FAILED`, `INVALID_STATE` when there are too many
   */
  async create(actor: Actor, { password, ...input }: CreateApiKeyInput, ip: string | null): Promise<ApiKeyWithSecret> {
    const { reauthentication, unitOfWork } = this.deps
    const known = await reauthentication.confirm(actor, password, ip)
    const scopes = [...new Set(input.scopes)]
    for (const scope of scopes) assertMay(actor, scope)
    const id = newId('apiKey')
    const { token, secretHash } = newApiKeyToken(id)
    const createdAt = await unitOfWork.run(async (tx) => {
      await expectPlaces(tx.places, actor, { ...input, locationIds: [] })
      if (input.expiresAt !== null && input.expiresAt <= tx.now) throw invalidField('expiresAt', 'must lie ahead')
      const count = await tx.apiKeys.lockOf(actor.id)
      // Of one who has changed it meanwhile all keys may just have been revoked.
      const user = await tx.users.get(actor.id)
      if (user?.passwordHash !== known.passwordHash || user.disabledAt !== null)
        throw new GantryError('INVALID_CREDENTIALS')
      if (count >= MOST_KEYS)
        throw new GantryError('INVALID_STATE', { params: { detail: `there are ${MOST_KEYS} keys; revoke one first` } })
      await tx.apiKeys.create({ ...input, id, userId: actor.id, secretHash, scopes, createdAt: tx.now })
      record(tx, actor, 'api_key.created', { apiKeyId: id, userId: actor.id })
      return tx.now
    })
    return { ...input, id, scopes, createdAt, lastUsedAt: null, key: token }
  }

  /**
   * Worth nothing from then on; streams that it opened end. What somebody who may more has built on a key is not for
   * others to break, though it gives them nothing.
   * @throws GantryError `NOT_FOUND`, `FORBIDDEN` for the key of a user who may more
   */
  async revoke(actor: Actor, apiKeyId: string): Promise<void> {
    const by = actor.permissions.has('users.manage') ? 'anybody' : { userId: actor.id }
    await this.deps.unitOfWork.run(async (tx) => {
      const userId = await tx.apiKeys.revoke(apiKeyId, by, tx.now)
      if (userId === null) throw notFound('API key', apiKeyId)
      const user = userId === actor.id ? null : await tx.users.get(userId)
      if (user !== null) await expectNoMore(tx, actor, user)
      record(tx, actor, 'api_key.revoked', { apiKeyId, userId })
    })
    this.deps.forgetKey(apiKeyId)
  }
}

const record = (
  tx: TransactionContext,
  actor: Actor,
  type: 'api_key.created' | 'api_key.revoked',
  payload: { apiKeyId: string; userId: string },
): void => tx.record({ type, subjectType: 'api_key', subjectId: payload.apiKeyId, payload }, actor.id)
