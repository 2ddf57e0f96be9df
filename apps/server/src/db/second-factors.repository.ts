import type { SecondFactorRecord, SecondFactorRepository } from '../modules/auth/second-factors.ports.js'
import type { Prisma } from './generated/client.js'

export class PrismaSecondFactorRepository implements SecondFactorRepository {
  constructor(private readonly tx: Prisma.TransactionClient) {}

  async lock(userId: string) {
    const [row] = await this.tx.$queryRaw<SecondFactorRecord[]>`
      SELECT seed_cipher AS "seedCipher", confirmed_at AS "confirmedAt", last_step AS "lastStep", failures,
             failures_since AS "failuresSince"
      FROM second_factor WHERE user_id = ${userId} FOR UPDATE`
    return row ?? null
  }

  async isEnabled(userId: string) {
    const where = { userId, confirmedAt: { not: null } }
    return (await this.tx.secondFactor.findFirst({ where, select: { userId: true } })) !== null
  }

  async begin(userId: string, seedCipher: string) {
    const data = { seedCipher, lastStep: 0, failures: 0, failuresSince: null }
    await this.tx.secondFactor.upsert({ where: { userId }, create: { userId, ...data }, update: data })
  }

  async passed(userId: string, lastStep: number, now: Date) {
    await this.tx.secondFactor.update({
      where: { userId },
      data: { lastStep, failures: 0, failuresSince: null },
    })
    await this.tx.secondFactor.updateMany({ where: { userId, confirmedAt: null }, data: { confirmedAt: now } })
  }

  async failed(userId: string, failures: number, since: Date) {
    await this.tx.secondFactor.update({ where: { userId }, data: { failures, failuresSince: since } })
  }

  async remove(userId: string) {
    await this.tx.recoveryCode.deleteMany({ where: { userId } })
    await this.tx.secondFactor.deleteMany({ where: { userId } })
  }

  async replaceRecoveryCodes(userId: string, codeHashes: readonly string[]) {
    await this.tx.recoveryCode.deleteMany({ where: { userId } })
    await this.tx.recoveryCode.createMany({ data: codeHashes.map((codeHash) => ({ userId, codeHash })) })
  }

  async useRecoveryCode(userId: string, codeHash: string, now: Date) {
    const { count } = await this.tx.recoveryCode.updateMany({
      where: { userId, codeHash, usedAt: null },
      data: { usedAt: now },
    })
    return count === 1
  }

  recoveryCodesLeft(userId: string) {
    return this.tx.recoveryCode.count({ where: { userId, usedAt: null } })
  }
}
