import { FileKeys, keptKeys, keyFileIn, type Masters } from './key-file.js'
import { deriveKey, fixedKeys, type SealingKeys } from './sealing-keys.js'

export interface SecretsOptions {
  /** Absolute. The key is kept in `<dataDir>/secret.key`, readable by its owner alone. */
  dataDir: string
  /** 32 bytes that are used instead of the file. */
  secretKey?: Uint8Array | null
  /** What else may open and verify. */
  previousSecretKeys?: readonly Uint8Array[]
}

/** The first makes what is new; the others are good for what was made before. */
export type Keys = readonly [Uint8Array, ...Uint8Array[]]

/** Keys of 32 bytes, per purpose, derived from the master keys. */
export interface Secrets {
  /** Sign access tokens. */
  signingKeys: Keys
  /** Seal what is stored. */
  sealingKeys: SealingKeys
  /** Sign links that work without a login. */
  linkKeys: Keys
  /** Seals the audit log. */
  auditKey: Uint8Array
  /** Where the master key is kept; null: it came from outside. */
  keyFile: string | null
}

/**
 * The server's keys. Without a key from outside one is made in the data directory; of two processes that start at once
 * both get the same.
 * @throws KeyFileError when the file is open to others, or holds anything but keys
 */
export const loadSecrets = async ({
  dataDir,
  secretKey = null,
  previousSecretKeys = [],
}: SecretsOptions): Promise<Secrets> => {
  const path = keyFileIn(dataDir)
  const own: Masters = secretKey === null ? await keptKeys(path) : [secretKey]
  const masters: Masters = [...own, ...previousSecretKeys]
  const derived = (purpose: string): Keys => {
    const [current, ...previous] = masters
    return [deriveKey(current, purpose), ...previous.map((key) => deriveKey(key, purpose))]
  }
  return {
    signingKeys: derived('access tokens'),
    sealingKeys: secretKey === null ? new FileKeys(path, masters) : fixedKeys(masters),
    linkKeys: derived('download links'),
    auditKey: derived('audit log')[0],
    keyFile: secretKey === null ? path : null,
  }
}
