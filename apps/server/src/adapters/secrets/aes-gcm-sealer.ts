import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'

import type { CredentialSealer } from '../../modules/printers/printers.ports.js'

const ALGORITHM = 'aes-256-gcm'
const VERSION = 'v1'
const NONCE_BYTES = 12
const TAG_BYTES = 16

/** Seals with AES-256-GCM as `v1.<base64url of nonce, tag and ciphertext>`. */
export class AesGcmSealer implements CredentialSealer {
  /** @param key 32 bytes */
  constructor(private readonly key: Uint8Array) {}

  seal(plain: string): string {
    const nonce = randomBytes(NONCE_BYTES)
    const cipher = createCipheriv(ALGORITHM, this.key, nonce, { authTagLength: TAG_BYTES }).setAAD(Buffer.from(VERSION))
    const sealed = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()])
    return `${VERSION}.${Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64url')}`
  }

  /** @throws Error when it was sealed with another key, changed, or is of a version that this server does not know */
  open(cipher: string): string {
    const [version, body = ''] = cipher.split('.')
    const bytes = Buffer.from(body, 'base64url')
    if (version !== VERSION || bytes.length < NONCE_BYTES + TAG_BYTES) {
      throw new Error('the sealed credential is of an unknown kind')
    }
    const nonce = bytes.subarray(0, NONCE_BYTES)
    const tag = bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES)
    const decipher = createDecipheriv(ALGORITHM, this.key, nonce, { authTagLength: TAG_BYTES })
    decipher.setAAD(Buffer.from(VERSION)).setAuthTag(tag)
    try {
      const plain = [decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]
      return Buffer.concat(plain).toString('utf8')
    } catch (cause) {
      throw new Error('the sealed credential does not belong to this secret key', { cause })
    }
  }
}
