import type pg from 'pg'

import type { Prisma } from './generated/client.js'
import { repeatedRead } from './repeated-reads.js'
import type { StatementNames } from './statement-names.js'

/**
 * One SELECT of the primary outside any transaction, without the way through Prisma: for what nearly every request waits
 * for (docs/adr/0039). Rows come as pg reads them: times as `Date`, `jsonb` as its value, `numeric` and `bigint` as text.
 * @throws GantryError `UNAVAILABLE`, as every other operation
 */
export type QuickRead = <R extends object>(what: string, statement: Prisma.Sql) => Promise<R[]>

/** Runs one operation as all of them are: timed, told in spans and figures, its errors mapped, outdated plans made anew. */
type RunOnce = <T>(operation: string, run: () => Promise<T>) => Promise<T>

export const quickReads =
  (pool: pg.Pool, names: StatementNames, once: RunOnce): QuickRead =>
  <R extends object>(what: string, { text, values }: Prisma.Sql) => {
    const read = async () => (await pool.query<R>({ name: names.alwaysNameOf(text), text, values })).rows
    return repeatedRead({ operation: '$queryRaw', args: { sql: text } }, () => once(what, read))
  }
