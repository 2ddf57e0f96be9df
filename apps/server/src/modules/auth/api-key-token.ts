import { hash, randomBytes, timingSafeEqual } from 'node:crypto'

/** 256 bits. */
const SECRET_BYTES = 32
const TOKEN = /^gty_([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})_([\w-]{43})$/

export const API_KEY_MARK = 'gty_'

/** Without a salt, since it has more entropy than anybody could try. */
const secretHashOf = (secret: string): string => hash('sha256', secret, 'hex')

/** `gty_<id>_<secret>` for a key's id, and what is stored of it. */
export const newApiKeyToken = (keyId: string): { token: string; secretHash: string } => {
  const secret = randomBytes(SECRET_BYTES).toString('base64url')
  const id = keyId.replace(/^key_/, '').replaceAll('-', '')
  return { token: `${API_KEY_MARK}${id}_${secret}`, secretHash: secretHashOf(secret) }
}

/** Null: it has not the form of a key. */
export const readApiKeyToken = (token: string): { keyId: string; secretHash: string } | null => {
  const parts = TOKEN.exec(token)
  if (parts === null) return null
  return { keyId: `key_${parts.slice(1, 6).join('-')}`, secretHash: secretHashOf(parts[6] ?? '') }
}

/** Takes as long whatever they have in common. */
export const isSameHash = (one: string, other: string): boolean =>
  one.length === other.length && timingSafeEqual(Buffer.from(one), Buffer.from(other))
