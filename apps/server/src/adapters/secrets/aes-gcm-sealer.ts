import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'

import type { SealedAt } from '../../kernel/index.js'
import type { CredentialSealer } from '../../modules/printers/printers.ports.js'
import type { SealingKey, SealingKeys } from './sealing-keys.js'

const ALGORITHM = 'aes-256-gcm'
const VERSION = 'v2'
/** Of before keys had names: bound to no place, under any of the keys. Read, and never written. */
const UNBOUND_VERSION = 'v1'
const NONCE_BYTES = 12
const TAG_BYTES = 16

/**
 * Seals with AES-256-GCM as `v2.<key id>.<base64url of nonce, tag and ciphertext>`. Key id, place and row are
 * authenticated with it: copied elsewhere it does not open.
 */
export class AesGcmSealer implements CredentialSealer {
  constructor(private readonly keys: SealingKeys) {}

  seal(plain: string, at: SealedAt): string {
    const { id, bytes } = this.keys.current()
    const nonce = randomBytes(NONCE_BYTES)
    const cipher = createCipheriv(ALGORITHM, bytes, nonce, { authTagLength: TAG_BYTES }).setAAD(contextOf(id, at))
    const sealed = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()])
    return `${VERSION}.${id}.${Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64url')}`
  }

  /**
   * @throws Error when it was sealed for another place, with a key that is not known here, changed, or is of a version
   * that this server does not know
   */
  open(sealed: string, at: SealedAt): string {
    const [version, ...parts] = sealed.split('.')
    if (version === UNBOUND_VERSION && parts.length === 1) return this.openUnbound(parts[0] ?? '')
    const [id = '', body = ''] = parts
    if (version !== VERSION || parts.length !== 2) throw unknownKind()
    const key = this.keys.find(id)
    if (key === undefined) throw new Error(`the secret was sealed with the key ${shown(id)}, which is not known here`)
    const plain = decrypt(key, body, contextOf(id, at))
    if (plain === null) throw new Error('the sealed secret does not belong to this place, or was changed')
    return plain
  }

  /** Whether it is as {@link seal} would make it by now. */
  isCurrent(sealed: string): boolean {
    return sealed.startsWith(`${VERSION}.${this.keys.current().id}.`)
  }

  private openUnbound(body: string): string {
    for (const key of this.keys.all()) {
      const plain = decrypt(key, body, Buffer.from(UNBOUND_VERSION))
      if (plain !== null) return plain
    }
    throw new Error('the sealed secret does not belong to any secret key that is known here')
  }
}

const contextOf = (keyId: string, { place, id }: SealedAt): Buffer =>
  Buffer.from(JSON.stringify([VERSION, keyId, place, id]))

const unknownKind = () => new Error('the sealed secret is of an unknown kind')

/** It comes from the database, where anything may stand. */
const shown = (id: string): string => id.slice(0, 16)

/** Null when the key or the context is another, or a bit was changed. */
const decrypt = ({ bytes: key }: SealingKey, body: string, context: Buffer): string | null => {
  const bytes = Buffer.from(body, 'base64url')
  if (bytes.length < NONCE_BYTES + TAG_BYTES) throw unknownKind()
  const nonce = bytes.subarray(0, NONCE_BYTES)
  const decipher = createDecipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES })
  decipher.setAAD(context).setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES))
  try {
    const plain = [decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]
    return Buffer.concat(plain).toString('utf8')
  } catch {
    return null
  }
}
