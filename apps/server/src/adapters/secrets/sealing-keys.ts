import { createHash, hkdfSync } from 'node:crypto'

import { SECRET_KEY_BYTES } from '../../kernel/index.js'

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

/** @param masters the first of which seals */
export const fixedKeys = ([current, ...previous]: readonly [Uint8Array, ...Uint8Array[]]): SealingKeys => {
  const keys = [current, ...previous].map(sealingKeyOf) as [SealingKey, ...SealingKey[]]
  return {
    current: () => keys[0],
    find: (id) => keys.find((key) => key.id === id),
    all: () => keys,
  }
}
