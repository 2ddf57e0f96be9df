import { createHash } from 'node:crypto'

export const SECRET_KEY_BYTES = 32

export const HOW_TO_MAKE_A_KEY = 'make one with: openssl rand -base64 32'

/** The first makes what is new; the others are good for what was made before. */
export type Keys = readonly [Uint8Array, ...Uint8Array[]]

/** The keys as they are at this moment: the same list for as long as they stay. */
export type KeysNow = () => Keys

/** Keys that stay as long as this process runs. */
export const unchangingKeys =
  (...keys: Keys): KeysNow =>
  () =>
    keys

/** 32 bytes in base64; null for anything else. */
export const readSecretKey = (text: string): Uint8Array | null => {
  if (!/^[A-Za-z0-9+/]{43}=?$/.test(text)) return null
  const key = Buffer.from(text, 'base64')
  return key.length === SECRET_KEY_BYTES ? Uint8Array.from(key) : null
}

/** Of 32 random bytes about 30 differ, and so do the steps between them; fewer than these come once in 10^18 keys. */
const FEWEST_DIFFERENT = 16
const SAMPLES = ['', 'secret', 'password', 'changeme', 'change-me', 'gantry', 'test', 'example', 'admin', '123456']
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
const KNOWN = new Set(SAMPLES.map(sha256))

/** Why nobody should use this key, as what it does; null when nothing speaks against it. */
export const weaknessOf = (key: Uint8Array): string | null => {
  if (new Set(key).size < FEWEST_DIFFERENT) return 'repeats the same few bytes'
  const steps = key.map((byte, n) => byte - (key[n - 1] ?? 0)).subarray(1)
  if (new Set(steps).size < FEWEST_DIFFERENT) return 'is a row of numbers'
  if (key.every((byte) => byte >= 0x20 && byte < 0x7f)) return 'is a text and not random'
  return KNOWN.has(Buffer.from(key).toString('hex')) ? 'is the hash of a word that everybody tries' : null
}
