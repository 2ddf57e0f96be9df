import { createHash } from 'node:crypto'

/** What is counted is hashed: addresses and names of people do not stand in Redis. */
export const countedKey = (prefix: string, kind: string, key: string): string =>
  `${prefix}:${kind}:${createHash('sha256').update(key).digest('base64url')}`
