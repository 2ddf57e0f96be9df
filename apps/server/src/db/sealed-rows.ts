import type { SealedPlace } from '../kernel/sealed-places.js'
import type { SealedRow, SealedRows, SealedSpot } from '../modules/secrets/secrets.ports.js'
import { Prisma, type PrismaClient } from './generated/client.js'

/** How a spot is read and written, as SQL over its table. */
interface Spot extends SealedSpot {
  table: string
  /** Unique among the rows of the table that hold a sealed text. */
  key: string
  /** The id that the text is sealed for. */
  id: string
  sealed: string
  /** The assignment of a new text. */
  assign: (sealed: string) => Prisma.Sql
}

const column = (place: SealedPlace, id = 'id'): Spot => {
  const [table = '', name = ''] = place.split('.')
  const assign = (sealed: string) => Prisma.sql`${Prisma.raw(name)} = ${sealed}`
  return { name: place, place, table, key: id, id, sealed: name, assign }
}

/** By place, so that one without its column does not compile. */
const COLUMNS: Record<SealedPlace, Spot> = {
  'printer.api_key_cipher': column('printer.api_key_cipher'),
  'second_factor.seed_cipher': column('second_factor.seed_cipher', 'user_id'),
  'webhook.secret_cipher': column('webhook.secret_cipher'),
  'webhook.previous_secret_cipher': column('webhook.previous_secret_cipher'),
}

/** The answer that is kept for a repeated call holds a webhook's secret for a day. */
const KEPT_ANSWERS: Spot = {
  name: 'idempotency_key.response',
  place: 'webhook.secret_cipher',
  table: 'idempotency_key',
  key: `actor_id || ' ' || key`,
  id: `response #>> '{json,id}'`,
  sealed: `response #>> '{json,secretCipher}'`,
  assign: (sealed) => Prisma.sql`response = jsonb_set(response, '{json,secretCipher}', to_jsonb(${sealed}::text))`,
}

/** And the one that made an invitation the token in it, where nobody mails it. */
const KEPT_INVITATIONS: Spot = {
  name: 'idempotency_key.response, invitations',
  place: 'password link',
  table: 'idempotency_key',
  key: `actor_id || ' ' || key`,
  id: `response #>> '{json,invitation,userId}'`,
  sealed: `response #>> '{json,invitation,sealedToken}'`,
  assign: (sealed) =>
    Prisma.sql`response = jsonb_set(response, '{json,invitation,sealedToken}', to_jsonb(${sealed}::text))`,
}

/**
 * Mails with a link by which a password is chosen, until they were sent or the link is over. What lies in a queue is a copy for
 * one try; one that cannot open it any more is followed by one with what stands here.
 */
const MAILS: Spot = {
  name: 'outbox.payload',
  place: 'password link',
  table: 'outbox',
  key: 'id',
  id: `payload #>> '{content,data,userId}'`,
  sealed: `case when state <> 'done'
    and payload #>> '{content,data,expiresAt}' > to_char(now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS')
    then payload #>> '{content,data,sealedToken}' end`,
  assign: (sealed) => Prisma.sql`payload = jsonb_set(payload, '{content,data,sealedToken}', to_jsonb(${sealed}::text))`,
}

const SPOTS: readonly Spot[] = [...Object.values(COLUMNS), KEPT_ANSWERS, KEPT_INVITATIONS, MAILS]

/** Any number will do that nothing else in the database locks. */
const LOCK = 7_301_184_220

/** Every sealed text of the database, whatever it belongs to. */
export class PrismaSealedRows implements SealedRows {
  readonly spots = SPOTS

  constructor(private readonly prisma: PrismaClient) {}

  async page({ name }: SealedSpot, after: string, limit: number): Promise<SealedRow[]> {
    const { place, table, key, id, sealed } = spotNamed(name)
    const [keySql, idSql, sealedSql] = [Prisma.raw(key), Prisma.raw(id), Prisma.raw(sealed)]
    const rows = await this.prisma.$queryRaw<{ key: string; id: string | null; sealed: string }[]>`
      select ${keySql} as key, ${idSql} as id, ${sealedSql} as sealed from ${Prisma.raw(table)}
      where ${keySql} > ${after} and ${sealedSql} <> '' order by ${keySql} limit ${limit}`
    return rows.map((row) => ({ key: row.key, at: { place, id: row.id ?? '' }, sealed: row.sealed }))
  }

  async replace({ name }: SealedSpot, row: SealedRow, sealed: string): Promise<boolean> {
    const spot = spotNamed(name)
    const changed = await this.prisma.$executeRaw`
      update ${Prisma.raw(spot.table)} set ${spot.assign(sealed)}
      where ${Prisma.raw(spot.key)} = ${row.key} and ${Prisma.raw(spot.sealed)} = ${row.sealed}`
    return changed === 1
  }

  alone<T>(work: () => Promise<T>): Promise<T> {
    return this.prisma.$transaction(async (tx) => {
      await tx.$executeRaw`select pg_advisory_xact_lock(${LOCK}::bigint)`
      return work()
    })
  }
}

const spotNamed = (name: string): Spot => {
  const spot = SPOTS.find((each) => each.name === name)
  if (spot === undefined) throw new Error(`no sealed texts in ${name}`)
  return spot
}
