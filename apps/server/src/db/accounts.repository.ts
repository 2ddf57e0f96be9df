import type { UserAccount, UserState } from '@gantry/schemas'

import type {
  AccountPatch,
  AccountQuery,
  AccountRepository,
  NewAccount,
  PasswordTokenRecord,
  PasswordTokenRepository,
  TokenPurpose,
} from '../modules/users/users.ports.js'
import type { Prisma } from './generated/client.js'
import { decodeCursor, olderThan, toPage } from './keyset.js'

const WITH_IDENTITIES = { _count: { select: { identities: true } } } as const satisfies Prisma.UserInclude

type Row = Prisma.UserGetPayload<{ include: typeof WITH_IDENTITIES }>

const stateOf = ({ disabledAt, passwordHash, _count }: Row): UserState => {
  if (disabledAt !== null) return 'disabled'
  return passwordHash === null && _count.identities === 0 ? 'invited' : 'active'
}

const accountOf = (row: Row): UserAccount => ({
  ...{ id: row.id, email: row.email, displayName: row.displayName, role: row.role, state: stateOf(row) },
  ...{ disabledAt: row.disabledAt, version: row.version, createdAt: row.createdAt, updatedAt: row.updatedAt },
})

const IN_STATE: Readonly<Record<UserState, Prisma.UserWhereInput>> = {
  active: { disabledAt: null, OR: [{ passwordHash: { not: null } }, { identities: { some: {} } }] },
  invited: { disabledAt: null, passwordHash: null, identities: { none: {} } },
  disabled: { disabledAt: { not: null } },
}

/** Who may log in and sees everything: in a narrower scope nobody looks after the farm. */
export const ADMINS_OF_THE_FARM = {
  role: 'admin',
  AND: [
    IN_STATE.active,
    { OR: [{ scope: { is: null } }, { scope: { is: { allPrinters: true, allProjects: true } } }] },
  ],
} satisfies Prisma.UserWhereInput

const containing = (search: string): Prisma.UserWhereInput => {
  const contains = { contains: search.replaceAll(/[\\%_]/g, String.raw`\$&`), mode: 'insensitive' as const }
  return { OR: [{ email: contains }, { displayName: contains }] }
}

export class PrismaAccountRepository implements AccountRepository {
  constructor(private readonly tx: Prisma.TransactionClient) {}

  async list({ limit, cursor, role, state, search }: AccountQuery) {
    const wanted: Prisma.UserWhereInput[] = [olderThan(decodeCursor(cursor))]
    if (role !== null) wanted.push({ role })
    if (state !== null) wanted.push(IN_STATE[state])
    if (search !== null) wanted.push(containing(search))
    const rows = await this.tx.user.findMany({
      where: { AND: wanted },
      include: WITH_IDENTITIES,
      orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
      take: limit + 1,
    })
    return toPage(rows, limit, ({ createdAt, id }) => ({ at: createdAt, id }), accountOf)
  }

  async get(userId: string) {
    const row = await this.tx.user.findUnique({ where: { id: userId }, include: WITH_IDENTITIES })
    return row === null ? null : accountOf(row)
  }

  async findByEmail(email: string) {
    const row = await this.tx.user.findUnique({ where: { email }, include: WITH_IDENTITIES })
    return row === null ? null : accountOf(row)
  }

  async createIfFree(user: NewAccount) {
    const { count } = await this.tx.user.createMany({ data: user, skipDuplicates: true })
    return count === 1
  }

  async update(userId: string, { email, displayName, role, disabledAt }: AccountPatch, now: Date, ifVersion?: number) {
    const { count } = await this.tx.user.updateMany({
      where: { id: userId, ...(ifVersion === undefined ? {} : { version: ifVersion }) },
      data: {
        ...(email === undefined ? {} : { email }),
        ...(displayName === undefined ? {} : { displayName }),
        ...(role === undefined ? {} : { role, customRoleId: null }),
        ...(disabledAt === undefined ? {} : { disabledAt }),
        version: { increment: 1 },
        updatedAt: now,
      },
    })
    return count === 1
  }

  async remove(userId: string) {
    await this.tx.user.delete({ where: { id: userId } })
  }

  async lockAdmins() {
    await this.tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended('admins', 0))`
  }

  async otherAdmins(userId: string) {
    return this.tx.user.count({ where: { ...ADMINS_OF_THE_FARM, passwordHash: { not: null }, id: { not: userId } } })
  }
}

export class PrismaPasswordTokenRepository implements PasswordTokenRepository {
  constructor(private readonly tx: Prisma.TransactionClient) {}

  async put(token: PasswordTokenRecord) {
    await this.tx.passwordToken.upsert({ where: { userId: token.userId }, create: token, update: token })
  }

  async of(userId: string) {
    return this.tx.passwordToken.findUnique({ where: { userId } })
  }

  async find(tokenHash: string, purpose: TokenPurpose) {
    const [found] = await this.tx.$queryRaw<{ userId: string }[]>`
      SELECT user_id AS "userId" FROM password_token
      WHERE token_hash = ${tokenHash} AND purpose = ${purpose}::password_token_purpose AND expires_at > now()`
    return found?.userId ?? null
  }

  async use(tokenHash: string, purpose: TokenPurpose) {
    const [used] = await this.tx.$queryRaw<{ userId: string }[]>`
      DELETE FROM password_token
      WHERE token_hash = ${tokenHash} AND purpose = ${purpose}::password_token_purpose AND expires_at > now()
      RETURNING user_id AS "userId"`
    return used?.userId ?? null
  }

  async remove(userId: string) {
    await this.tx.passwordToken.deleteMany({ where: { userId } })
  }
}
