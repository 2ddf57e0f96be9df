import type { RecoveryCodes, SecondFactorSeed, SecondFactorStatus } from '@gantry/schemas'

import {
  GantryError,
  notFound,
  type Actor,
  type Primary,
  type SealedAt,
  type TransactionContext,
  type UnitOfWork,
} from '../../kernel/index.js'
import type { CredentialSealer } from '../printers/printers.ports.js'
import type { UserRepository } from './auth.ports.js'
import { newRecoveryCodes, newSeed, plainCode, recoveryCodeHash, seedUri, stepOf } from './one-time-codes.js'
import { expectAnother, expectNoMore } from './role-grants.js'
import type { RoleRepository } from './roles.ports.js'
import type { Reauthentication } from './reauthentication.js'
import type { SecondFactorRecord, SecondFactorRepository } from './second-factors.ports.js'

interface Repositories {
  users: UserRepository
  roles: Pick<RoleRepository, 'ofUser' | 'get'>
  secondFactors: SecondFactorRepository
}
type Transaction = Repositories & TransactionContext

export interface SecondFactorsOptions {
  unitOfWork: UnitOfWork<Repositories>
  reads: Primary<Repositories>
  sealer: CredentialSealer
  reauthentication: Reauthentication
}

/** Of one account, wherever they come from: a million codes, of which three are right, are not to be tried out. */
const MAX_FAILURES = 10
const FAILURES_MS = 60 * 60_000

const sealedAt = (id: string): SealedAt => ({ place: 'second_factor.seed_cipher', id })

const wrongCode = () => new GantryError('INVALID_CREDENTIALS', { detail: 'the code of the second factor is wrong' })

/** Until when no code is looked at any more; null: it is. */
const blockedUntil = ({ failures, failuresSince }: SecondFactorRecord, now: Date): Date | null => {
  if (failuresSince === null || failures < MAX_FAILURES) return null
  const until = new Date(failuresSince.getTime() + FAILURES_MS)
  return until > now ? until : null
}

/** What a second proof of who one is takes: one-time passwords by time, and codes for when the device is lost. */
export class SecondFactors {
  constructor(private readonly options: SecondFactorsOptions) {}

  async status({ id }: Actor): Promise<SecondFactorStatus> {
    const { secondFactors } = this.options.reads
    const enabled = await secondFactors.isEnabled(id)
    return { enabled, recoveryCodesLeft: enabled ? await secondFactors.recoveryCodesLeft(id) : 0 }
  }

  /**
   * A new seed, for the authenticator app. Nothing asks for its codes before {@link confirm}.
   * @throws GantryError `INVALID_CREDENTIALS`, `RATE_LIMITED`, `INVALID_STATE` when a second factor is there already
   */
  async begin(actor: Actor, password: string | undefined, ip: string | null): Promise<SecondFactorSeed> {
    const { unitOfWork, reauthentication, sealer } = this.options
    const user = await reauthentication.confirm(actor, password, ip)
    const secret = newSeed()
    await unitOfWork.run(async ({ secondFactors }) => {
      const found = await secondFactors.lock(user.id)
      if (found !== null && found.confirmedAt !== null) {
        throw new GantryError('INVALID_STATE', { params: { detail: 'there is a second factor already' } })
      }
      await secondFactors.begin(user.id, sealer.seal(secret, sealedAt(user.id)))
    })
    return { secret, uri: seedUri(secret, user.email) }
  }

  /** From now on a login needs a code. @throws GantryError `INVALID_CREDENTIALS`, `INVALID_STATE`, `RATE_LIMITED` */
  async confirm(actor: Actor, code: string): Promise<RecoveryCodes> {
    return this.committed(async (tx) => {
      const found = await tx.secondFactors.lock(actor.id)
      if (found === null || found.confirmedAt !== null) {
        throw new GantryError('INVALID_STATE', { params: { detail: 'no second factor waits to be confirmed' } })
      }
      const refusal = await this.judge(tx, actor.id, found, code)
      if (refusal !== null) return refusal
      recordOf(tx, 'second_factor.enabled', actor.id)
      return this.newCodes(tx, actor.id)
    })
  }

  /** Ten new ones; those of before work no more. @throws as {@link remove} */
  async renewRecoveryCodes(
    actor: Actor,
    password: string | undefined,
    code: string,
    ip: string | null,
  ): Promise<RecoveryCodes> {
    await this.options.reauthentication.confirm(actor, password, ip)
    return this.committed(async (tx) => {
      const refusal = await this.refusal(tx, actor.id, code)
      if (refusal !== null) return refusal
      recordOf(tx, 'second_factor.recovery_codes_renewed', actor.id)
      return this.newCodes(tx, actor.id)
    })
  }

  /** @throws GantryError `INVALID_CREDENTIALS`, `RATE_LIMITED`, `INVALID_STATE` when there is none */
  async remove(actor: Actor, password: string | undefined, code: string, ip: string | null): Promise<void> {
    await this.options.reauthentication.confirm(actor, password, ip)
    await this.committed(async (tx) => {
      const refusal = await this.refusal(tx, actor.id, code)
      if (refusal !== null) return refusal
      await tx.secondFactors.remove(actor.id)
      recordOf(tx, 'second_factor.disabled', actor.id)
      return undefined
    })
  }

  /**
   * By an admin, for somebody who has lost device and recovery codes.
   * @throws GantryError `NOT_FOUND`, `FORBIDDEN` for somebody who may more, `INVALID_STATE` for oneself
   */
  async reset(actor: Actor, userId: string): Promise<void> {
    expectAnother(actor, userId)
    await this.options.unitOfWork.run(async (tx) => {
      const user = await tx.users.get(userId)
      if (user === null) throw notFound('user', userId)
      await expectNoMore(tx, actor, user)
      if ((await tx.secondFactors.lock(userId)) === null) return
      await tx.secondFactors.remove(userId)
      recordOf(tx, 'second_factor.disabled', userId, actor.id)
    })
  }

  /**
   * What is wrong with a login whose password was right; null: nothing. It is returned, not thrown, since the failure
   * has to be committed.
   */
  async refusalOfLogin(tx: Transaction, userId: string, code: string | undefined): Promise<GantryError | null> {
    const found = await tx.secondFactors.lock(userId)
    if (found === null || found.confirmedAt === null) return null
    if (code === undefined) return new GantryError('SECOND_FACTOR_REQUIRED')
    return this.judge(tx, userId, found, code)
  }

  private async refusal(tx: Transaction, userId: string, code: string): Promise<GantryError | null> {
    const found = await tx.secondFactors.lock(userId)
    if (found === null || found.confirmedAt === null) {
      throw new GantryError('INVALID_STATE', { params: { detail: 'there is no second factor' } })
    }
    return this.judge(tx, userId, found, code)
  }

  private async judge(tx: Transaction, userId: string, found: SecondFactorRecord, code: string) {
    const { secondFactors, now } = tx
    const until = blockedUntil(found, now)
    if (until !== null) {
      const retryAfterSeconds = Math.ceil((until.getTime() - now.getTime()) / 1_000)
      return new GantryError('RATE_LIMITED', { retryAfterSeconds })
    }
    const step = stepOf(this.options.sealer.open(found.seedCipher, sealedAt(userId)), plainCode(code), now)
    if (step !== null && step > found.lastStep) {
      await secondFactors.passed(userId, step, now)
      return null
    }
    if (await this.usesRecoveryCode(tx, userId, found, code)) return null
    const isOver = found.failuresSince === null || now.getTime() - found.failuresSince.getTime() >= FAILURES_MS
    await secondFactors.failed(userId, isOver ? 1 : found.failures + 1, isOver ? now : (found.failuresSince ?? now))
    return wrongCode()
  }

  /** What is not confirmed has none. */
  private async usesRecoveryCode(tx: Transaction, userId: string, found: SecondFactorRecord, code: string) {
    const { secondFactors, now } = tx
    if (!(await secondFactors.useRecoveryCode(userId, recoveryCodeHash(code), now))) return false
    await secondFactors.passed(userId, found.lastStep, now)
    const payload = { userId, left: await secondFactors.recoveryCodesLeft(userId) }
    tx.record({ type: 'second_factor.recovery_code_used', subjectType: 'user', subjectId: userId, payload }, userId)
    return true
  }

  private async newCodes({ secondFactors }: Transaction, userId: string): Promise<RecoveryCodes> {
    const recoveryCodes = newRecoveryCodes()
    await secondFactors.replaceRecoveryCodes(userId, recoveryCodes.map(recoveryCodeHash))
    return { recoveryCodes }
  }

  /** Commits what was counted, then throws what was returned as an error. */
  private async committed<T>(work: (tx: Transaction) => Promise<T | GantryError>): Promise<T> {
    const result = await this.options.unitOfWork.run(work)
    if (!(result instanceof GantryError)) return result
    this.options.reauthentication.noteRefusal(result)
    throw result
  }
}

const recordOf = (
  tx: Transaction,
  type: 'second_factor.enabled' | 'second_factor.disabled' | 'second_factor.recovery_codes_renewed',
  userId: string,
  actorId = userId,
) => tx.record({ type, subjectType: 'user', subjectId: userId, payload: { userId } }, actorId)
