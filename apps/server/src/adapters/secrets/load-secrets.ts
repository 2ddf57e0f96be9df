import { unchangingKeys, type Keys, type KeysNow } from '../../kernel/index.js'
import { KeyFile, keptKeys, keyFileIn } from './key-file.js'
import { deriveKey, KnownSealingKeys, type SealingKeys } from './sealing-keys.js'

export interface SecretsOptions {
  /** Absolute. The key is kept in `<dataDir>/secret.key`, readable by its owner alone. */
  dataDir: string
  /** 32 bytes that are used instead of the file. */
  secretKey?: Uint8Array | null
  /** What else may open and verify. */
  previousSecretKeys?: readonly Uint8Array[]
}

/** Keys of 32 bytes, per purpose, derived from the master keys. Those of a file follow it. */
export interface Secrets {
  /** Sign access tokens. */
  signingKeys: KeysNow
  /** Seal what is stored. */
  sealingKeys: SealingKeys
  /** Sign links that work without a login. */
  linkKeys: KeysNow
  /** Seal the audit log. */
  auditKeys: KeysNow
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
  const { forSeals, forSignatures } =
    secretKey === null ? await keysIn(path, previousSecretKeys) : same(unchangingKeys(secretKey, ...previousSecretKeys))
  return {
    signingKeys: derived(forSignatures, 'access tokens'),
    sealingKeys: new KnownSealingKeys(forSeals),
    linkKeys: derived(forSignatures, 'download links'),
    auditKeys: derived(forSignatures, 'audit log'),
    keyFile: secretKey === null ? path : null,
  }
}

const same = (keys: KeysNow) => ({ forSeals: keys, forSignatures: keys })

const keysIn = async (path: string, more: readonly Uint8Array[]) => {
  const file = new KeyFile(path, await keptKeys(path), more)
  return { forSeals: file.now, forSignatures: file.nowOrBefore }
}

const derived = (masters: KeysNow, purpose: string): KeysNow => {
  let seen: Keys | null = null
  let keys: Keys
  return () => {
    const now = masters()
    if (now !== seen) {
      const [current, ...previous] = now
      keys = [deriveKey(current, purpose), ...previous.map((key) => deriveKey(key, purpose))]
      seen = now
    }
    return keys
  }
}
