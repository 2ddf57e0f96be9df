import { createHash, createHmac, timingSafeEqual } from 'node:crypto'

import type { Keys, KeysNow } from '../../kernel/index.js'
import type { Chain, EntryFacts, Mark } from './audit.ports.js'

/** Before the first entry. */
export const NO_HASH = '0'.repeat(64)

/** JSON with its keys in order and nothing between, so that equal values give equal bytes. */
const canonical = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (value instanceof Date) return JSON.stringify(value)
  if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null)
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
  const sorted = members.sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${sorted.map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`).join(',')}}`
}

/** What is not there is read back as null. */
const factsOf = (entry: EntryFacts): Record<string, unknown> => {
  const { seq, at, actorKind, actorId, actorName, ip, userAgent, requestId, action, outcome } = entry
  const { errorCode, times, targetType, targetId, events, changes, omitted, touched } = entry
  const facts = {
    ...{ seq, at, actorKind, actorId, actorName, ip, userAgent, requestId, action, outcome },
    ...{ errorCode, times, targetType, targetId, events, changes, omitted, touched },
  }
  return Object.fromEntries(Object.entries(facts).map(([name, value]) => [name, value ?? null]))
}

/** SHA-256 of the entry and of the hash before it, in hex. */
export const hashOf = (entry: EntryFacts, previousHash: string): string =>
  createHash('sha256')
    .update(`${previousHash}\n${canonical(factsOf(entry))}`)
    .digest('hex')

type Place = 'entry' | keyof Chain

/** What only the server can write: HMAC-SHA-256 of a place in the chain under keys that the database never sees. */
export class Seals {
  private keys: Keys | null = null
  private byId: ReadonlyMap<string, Uint8Array> = new Map()

  constructor(private readonly now: KeysNow) {}

  /** Of the key that seals. */
  get keyId(): string {
    return keyIdOf(this.refreshed()[0])
  }

  seal(place: Place, seq: number, hash: string): Mark {
    const [key] = this.refreshed()
    return { seq, hash, keyId: keyIdOf(key), seal: textOf(key, place, { seq, hash }) }
  }

  /**
   * The end of the chain, moved on to here, or put under the current key where it is. It names the keys of before, so
   * that entries under them stay good when those are gone.
   */
  sealEnd(before: Mark, { seq, hash }: Pick<Mark, 'seq' | 'hash'>): Mark {
    const [key] = this.refreshed()
    const keyId = keyIdOf(key)
    const earlier = new Set([...(before.earlierKeys ?? []), before.keyId])
    const earlierKeys = [...earlier].filter((id) => id !== '' && id !== keyId)
    return { seq, hash, keyId, earlierKeys, seal: textOf(key, 'head', { seq, hash, earlierKeys }) }
  }

  /** `unknown`: by a key that is not known here. An empty chain has no seal. */
  judge(place: Place, mark: Mark): 'right' | 'wrong' | 'unknown' {
    const { seq, hash, keyId, seal } = mark
    if (place !== 'entry' && seq === 0) return hash === NO_HASH ? 'right' : 'wrong'
    this.refreshed()
    const key = this.byId.get(keyId)
    if (key === undefined) return 'unknown'
    const [given, due] = [Buffer.from(seal), Buffer.from(textOf(key, place, mark))]
    return given.length === due.length && timingSafeEqual(given, due) ? 'right' : 'wrong'
  }

  private refreshed(): Keys {
    const keys = this.now()
    if (keys === this.keys) return keys
    this.keys = keys
    this.byId = new Map(keys.map((key) => [keyIdOf(key), key]))
    return keys
  }
}

const keyIdOf = (key: Uint8Array): string => createHmac('sha256', key).update('key id').digest('hex').slice(0, 16)

const textOf = (key: Uint8Array, place: Place, mark: Pick<Mark, 'seq' | 'hash' | 'earlierKeys'>): string => {
  const { seq, hash, earlierKeys = [] } = mark
  return createHmac('sha256', key)
    .update([place, seq, hash, ...earlierKeys].join(' '))
    .digest('hex')
}
