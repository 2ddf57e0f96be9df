import { randomBytes } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { link, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'

import {
  HOW_TO_MAKE_A_KEY,
  readSecretKey,
  SECRET_KEY_BYTES,
  weaknessOf,
  type Keys,
  type KeysNow,
} from '../../kernel/index.js'

/** The file cannot be used as it is; the message says what to do. */
export class KeyFileError extends Error {
  override readonly name = 'KeyFileError'
}

const FOR_OTHERS = 0o077
const MAX_KEYS = 8

export const keyFileIn = (dataDir: string): string => join(dataDir, 'secret.key')

/**
 * The keys of the file, which is made when there is none; of two processes that start at once both get the same.
 * @throws KeyFileError when it is open to others, or holds anything but keys
 */
export const keptKeys = async (path: string): Promise<Keys> => {
  if (!(await exists(path))) await place(path, [newKey()], link)
  const { mode } = await stat(path)
  // Where there are no such modes, folders of their own owner keep others out.
  if (process.platform !== 'win32' && (mode & FOR_OTHERS) !== 0) {
    const octal = (mode & 0o777).toString(8)
    throw new KeyFileError(`${path} holds the secret key and is open to others (mode ${octal}): chmod 600 ${path}`)
  }
  return keysOf(path, await readFile(path, 'utf8'))
}

/** Puts other keys in the place of those in the file, all at once; a crash leaves the old or the new ones. */
export const replaceKeys = (path: string, masters: Keys): Promise<void> => place(path, masters, rename)

/** When the file got its present keys. */
export const keysSince = async (path: string): Promise<Date> => (await stat(path)).mtime

export const newKey = (): Uint8Array => Uint8Array.from(randomBytes(SECRET_KEY_BYTES))

/** The keys of a file that another process may change while this one runs; a look at it costs microseconds. */
export class KeyFile {
  private seen: string | null = null

  /**
   * @param masters what the file held
   * @param more what else is good for what was made before
   */
  constructor(
    private readonly path: string,
    private masters: Keys,
    private readonly more: readonly Uint8Array[] = [],
  ) {
    this.masters = [...masters, ...more]
  }

  /** @throws KeyFileError when it holds anything but keys by now */
  readonly now: KeysNow = () => {
    const { ino, mtimeMs } = statSync(this.path)
    const version = `${ino} ${mtimeMs}`
    if (version === this.seen) return this.masters
    this.masters = [...keysOf(this.path, readFileSync(this.path, 'utf8')), ...this.more]
    this.seen = version
    return this.masters
  }

  /** The same; a file that cannot be read for once ends no session. */
  readonly nowOrBefore: KeysNow = () => {
    try {
      return this.now()
    } catch {
      return this.masters
    }
  }
}

const keysOf = (path: string, text: string): Keys => {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  const keys = lines.map((line) => readSecretKey(line.trim()))
  const [current, ...previous] = keys
  // A key that was replaced in silence would make every sealed secret unreadable.
  if (current == null || previous.some((key) => key === null) || keys.length > MAX_KEYS)
    throw new KeyFileError(`${path} does not hold ${SECRET_KEY_BYTES} bytes in base64, a key on each line`)
  const weakness = weaknessOf(current)
  if (weakness !== null) throw new KeyFileError(`the secret key in ${path} ${weakness}: ${HOW_TO_MAKE_A_KEY}`)
  return [current, ...previous.filter((key) => key !== null)]
}

/** Written whole and durable before it gets its name; with `link`, a name that is there already stays as it is. */
const place = async (path: string, masters: Keys, name: typeof link): Promise<void> => {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const temporary = `${path}.${randomBytes(6).toString('hex')}`
  try {
    const handle = await open(temporary, 'wx', 0o600)
    try {
      await handle.writeFile(masters.map((key) => `${Buffer.from(key).toString('base64')}\n`).join(''))
      await handle.sync()
    } finally {
      await handle.close()
    }
    await name(temporary, path).catch((error: unknown) => {
      if (!hasCode(error, 'EEXIST')) throw error
    })
    await syncFolder(dirname(path))
  } finally {
    await rm(temporary, { force: true })
  }
}

/** Rows are sealed with the key from now on: its name must not be lost with the power. */
const syncFolder = async (path: string): Promise<void> => {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    (error: unknown) => {
      if (hasCode(error, 'ENOENT')) return false
      throw error
    },
  )

const hasCode = (error: unknown, code: string): boolean =>
  error instanceof Error && 'code' in error && error.code === code
