import { hkdfSync, randomBytes } from 'node:crypto'
import { link, mkdir, open, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'

const KEY_BYTES = 32
const FILE_NAME = 'secret.key'

export interface SecretsOptions {
  /** Absolute. The key is kept in `<dataDir>/secret.key`, readable by its owner alone. */
  dataDir: string
  /** 32 bytes that are used instead of the file. */
  secretKey?: Uint8Array | null
}

/** Keys of 32 bytes, one per purpose, derived from one master key. */
export interface Secrets {
  /** Signs access tokens. */
  signingKey: Uint8Array
  /** Seals the keys of devices. */
  sealingKey: Uint8Array
  /** Signs links that work without a login. */
  linkKey: Uint8Array
}

/**
 * The server's keys. Without a key from outside one is made in the data directory; of two processes that start at once
 * both get the same.
 * @throws Error when the file cannot be read or made, or holds no key
 */
export const loadSecrets = async ({ dataDir, secretKey = null }: SecretsOptions): Promise<Secrets> => {
  const master = secretKey ?? (await keptKey(dataDir))
  if (master.length !== KEY_BYTES) throw new Error(`the secret key must have ${KEY_BYTES} bytes`)
  const derive = (purpose: string) => new Uint8Array(hkdfSync('sha256', master, '', `gantry ${purpose} v1`, KEY_BYTES))
  return {
    signingKey: derive('access tokens'),
    sealingKey: derive('device credentials'),
    linkKey: derive('download links'),
  }
}

const hasCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code

const keptKey = async (dataDir: string): Promise<Uint8Array> => {
  const path = join(dataDir, FILE_NAME)
  try {
    return await readKey(path)
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error
  }
  await createKey(dataDir, path)
  return readKey(path)
}

const readKey = async (path: string): Promise<Uint8Array> => {
  const text = (await readFile(path, 'utf8')).trim()
  const key = Buffer.from(text, 'base64')
  // A key that was replaced in silence would make every sealed credential unreadable.
  if (key.length !== KEY_BYTES) throw new Error(`${path} does not hold ${KEY_BYTES} bytes in base64`)
  return key
}

/** Written whole and durable before it gets its name; a name that is there already stays as it is. */
const createKey = async (dataDir: string, path: string): Promise<void> => {
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  const temporary = `${path}.${randomBytes(6).toString('hex')}`
  try {
    const handle = await open(temporary, 'wx', 0o600)
    try {
      await handle.writeFile(`${randomBytes(KEY_BYTES).toString('base64')}\n`)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await link(temporary, path).catch((error: unknown) => {
      if (!hasCode(error, 'EEXIST')) throw error
    })
  } finally {
    await rm(temporary, { force: true })
  }
}
