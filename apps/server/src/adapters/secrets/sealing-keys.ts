import { createHash, hkdfSync } from 'node:crypto'

import { SECRET_KEY_BYTES, type Keys, type KeysNow } from '../../kernel/index.js'

export interface SealingKey {
  /** Names the key in what it sealed; says nothing of its bytes. */
  id: string
  bytes: Uint8Array
}

/** The keys that open; one of them seals. */
export interface SealingKeys {
  current(): SealingKey
  /** Undefined for a key that this process does not know. */
  find(id: string): SealingKey | undefined
  all(): readonly SealingKey[]
}

/** A key of 32 bytes for one purpose. */
export const deriveKey = (master: Uint8Array, purpose: string): Uint8Array =>
  new Uint8Array(hkdfSync('sha256', master, '', `gantry ${purpose} v1`, SECRET_KEY_BYTES))

const ID_LENGTH = 8

export const sealingKeyOf = (master: Uint8Array): SealingKey => {
  const bytes = deriveKey(master, 'device credentials')
  return { id: createHash('sha256').update(bytes).digest('base64url').slice(0, ID_LENGTH), bytes }
}

/**
 * Keys that may change while this process runs: what is sealed is sealed with the current one. A key that was known once
 * opens until this process ends, since texts that were read before may be held.
 */
export class KnownSealingKeys implements SealingKeys {
  private readonly known = new Map<string, SealingKey>()
  private seen: Keys | null = null
  private first: SealingKey

  constructor(private readonly masters: KeysNow) {
    this.first = sealingKeyOf(masters()[0])
    this.refresh()
  }

  current(): SealingKey {
    this.refresh()
    return this.first
  }

  find(id: string): SealingKey | undefined {
    if (!this.known.has(id)) this.refresh()
    return this.known.get(id)
  }

  all(): readonly SealingKey[] {
    return [...this.known.values()]
  }

  private refresh(): void {
    const masters = this.masters()
    if (masters === this.seen) return
    this.seen = masters
    this.first = sealingKeyOf(masters[0])
    for (const key of masters.map(sealingKeyOf)) this.known.set(key.id, key)
  }
}

/** @param masters the first of which seals */
export const fixedKeys = (masters: Keys): SealingKeys => new KnownSealingKeys(() => masters)
