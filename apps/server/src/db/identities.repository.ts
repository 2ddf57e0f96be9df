import type { IdentityRepository, KeptProof, NewIdentity, SignOnRepository } from '../modules/sign-on/sign-on.ports.js'
import type { Prisma } from './generated/client.js'

export class PrismaIdentityRepository implements IdentityRepository {
  constructor(private readonly tx: Prisma.TransactionClient) {}

  find(issuer: string, subject: string) {
    const where = { issuer_subject: { issuer, subject } }
    return this.tx.userIdentity.findUnique({ where, select: { id: true, userId: true } })
  }

  listOf(userId: string) {
    return this.tx.userIdentity.findMany({
      where: { userId },
      omit: { userId: true },
      orderBy: [{ createdAt: 'asc' }, { id: 'asc' }],
    })
  }

  async addIfFree(identity: NewIdentity) {
    const { count } = await this.tx.userIdentity.createMany({ data: identity, skipDuplicates: true })
    return count === 1
  }

  async used(identityId: string, email: string | null, now: Date) {
    await this.tx.userIdentity.update({ where: { id: identityId }, data: { email, lastUsedAt: now } })
  }

  async remove(userId: string, identityId: string) {
    const { count } = await this.tx.userIdentity.deleteMany({ where: { id: identityId, userId } })
    return count === 1
  }
}

export class PrismaSignOnRepository implements SignOnRepository {
  constructor(private readonly tx: Prisma.TransactionClient) {}

  async useState(stateHash: string, expiresAt: Date) {
    const { count } = await this.tx.signOn.createMany({ data: { stateHash, expiresAt }, skipDuplicates: true })
    return count === 1
  }

  async keep(stateHash: string, ticketHash: string, ticketExpiresAt: Date, proof: KeptProof) {
    const { challenge, ...rest } = proof
    await this.tx.signOn.update({
      where: { stateHash },
      data: { ticketHash, ticketExpiresAt, challenge, proof: rest as unknown as Prisma.InputJsonObject },
    })
  }

  async take(ticketHash: string) {
    const [row] = await this.tx.$queryRaw<
      { challenge: string; proof: Omit<KeptProof, 'challenge'>; isOver: boolean }[]
    >`
      SELECT challenge, proof, ticket_expires_at <= now() AS "isOver" FROM sign_on WHERE ticket_hash = ${ticketHash} FOR UPDATE`
    if (row === undefined) return null
    // The row stays, so that its state is known to have come back.
    await this.tx.$executeRaw`
      UPDATE sign_on SET ticket_hash = NULL, ticket_expires_at = NULL, challenge = NULL, proof = NULL WHERE ticket_hash = ${ticketHash}`
    return row.isOver ? null : { ...row.proof, challenge: row.challenge }
  }
}
