import { GantryError, type GantryErrorOptions } from '../kernel/index.js'

/** The last row of a page, from which the next page begins. */
export interface Keyset {
  at: Date
  id: string
}

/** What a list says to a cursor that it never gave. */
export const cursorRefused = (): GantryError => {
  const options: GantryErrorOptions = {
    params: { detail: 'cursor is not one that this list gave' },
    fields: { cursor: ['is not one that this list gave'] },
  }
  return new GantryError('VALIDATION_FAILED', options)
}

/** Opaque to clients, so that the order of a list may change without breaking them. */
export const encodeCursor = ({ at, id }: Keyset): string =>
  Buffer.from(`${at.toISOString()} ${id}`).toString('base64url')

/** Nothing else reaches the database: it knows no NUL, and not every year that a Date knows. */
const KEYSET = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) ([\w-]+)$/

/** @throws GantryError `VALIDATION_FAILED` */
export const decodeCursor = (cursor: string | null): Keyset | null => {
  if (cursor === null) return null
  const [, iso = '', id = ''] = KEYSET.exec(Buffer.from(cursor, 'base64url').toString('utf8')) ?? []
  const at = new Date(iso)
  if (Number.isNaN(at.getTime())) throw cursorRefused()
  return { at, id }
}

/** Cuts the one row too many that was asked for to learn whether there is a next page. */
export const toPage = <Row, Item>(
  rows: Row[],
  limit: number,
  keyOf: (row: Row) => Keyset,
  itemOf: (row: Row) => Item,
): { items: Item[]; nextCursor: string | null } => {
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  return {
    items: page.map(itemOf),
    nextCursor: rows.length > limit && last !== undefined ? encodeCursor(keyOf(last)) : null,
  }
}

/** A where-clause for rows after `key`, newest first. */
export const olderThan = (key: Keyset | null) =>
  key === null ? {} : { OR: [{ createdAt: { lt: key.at } }, { createdAt: key.at, id: { lt: key.id } }] }
