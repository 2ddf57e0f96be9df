import { createHash } from 'node:crypto'

const canonical = (value: unknown): unknown => {
  if (value instanceof Date) return { $date: value.toISOString() }
  if (typeof value === 'bigint') return { $bigint: value.toString() }
  if (Array.isArray(value)) return value.map(canonical)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(([, member]) => member !== undefined)
  return Object.fromEntries(
    entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, member]) => [key, canonical(member)]),
  )
}

/** A hash that does not depend on the order of members, and for which an absent member equals an undefined one. */
export const inputHash = (input: unknown): string =>
  createHash('sha256')
    .update(JSON.stringify([canonical(input)]))
    .digest('hex')
