import { createCipheriv, randomBytes } from 'node:crypto'
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { describe, expect, it } from 'vitest'

import { AesGcmSealer } from './aes-gcm-sealer.js'
import { keptKeys, newKey, replaceKeys } from './key-file.js'
import { loadSecrets, type Secrets } from './load-secrets.js'
import { fixedKeys } from './sealing-keys.js'

const AT = { place: 'printer.api_key_cipher', id: 'prn_1' } as const

const temporaryFolder = async () => {
  const path = await mkdtemp(join(tmpdir(), 'gantry-secrets-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

/** Those that make what is new. */
const keysOf = (secrets?: Secrets): Uint8Array[] =>
  secrets === undefined
    ? []
    : [secrets.signingKeys, secrets.linkKeys, secrets.auditKeys]
        .map((keys) => keys()[0])
        .concat(secrets.sealingKeys.current().bytes)

describe('the secrets', () => {
  it('are the same for all who start at once, in a file for its owner alone, and stay', async () => {
    await using folder = await temporaryFolder()
    const dataDir = join(folder.path, 'data')
    const all = await Promise.all(Array.from({ length: 8 }, () => loadSecrets({ dataDir })))
    for (const secrets of all) expect(keysOf(secrets)).toEqual(keysOf(all[0]))
    expect(await readdir(dataDir)).toEqual(['secret.key'])
    expect((await stat(join(dataDir, 'secret.key'))).mode & 0o777).toBe(0o600)
    const each = keysOf(await loadSecrets({ dataDir }))
    expect(each).toEqual(keysOf(all[0]))
    // One for each purpose.
    expect(new Set(each.map((key) => Buffer.from(key).toString('hex'))).size).toBe(4)
    expect(each.map(({ length }) => length)).toEqual([32, 32, 32, 32])
  })

  it('come from the given key without touching the disk', async () => {
    await using folder = await temporaryFolder()
    const secretKey = randomBytes(32)
    const secrets = await loadSecrets({ dataDir: folder.path, secretKey })
    const others = await loadSecrets({ dataDir: '/nowhere', secretKey })
    expect(keysOf(others)).toEqual(keysOf(secrets))
    expect(others.sealingKeys.all()).toEqual(secrets.sealingKeys.all())
    expect(await readdir(folder.path)).toEqual([])
  })

  it('are never replaced when the file is damaged', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'secret.key')
    await writeFile(path, 'short')
    await chmod(path, 0o600)
    await expect(loadSecrets({ dataDir: folder.path })).rejects.toThrow('does not hold 32 bytes')
    expect(await readFile(path, 'utf8')).toBe('short')
  })

  it.each([0o640, 0o604, 0o660])('are not taken from a file that others may read or write (mode %o)', async (mode) => {
    await using folder = await temporaryFolder()
    await loadSecrets({ dataDir: folder.path })
    const path = join(folder.path, 'secret.key')
    await chmod(path, mode)
    await expect(loadSecrets({ dataDir: folder.path })).rejects.toThrow(`chmod 600 ${path}`)
    await chmod(path, 0o600)
    expect((await loadSecrets({ dataDir: folder.path })).keyFile).toBe(path)
  })

  it('are not taken from a file with a key that can be guessed', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'secret.key')
    await writeFile(path, Buffer.alloc(32, 7).toString('base64'), { mode: 0o600 })
    await expect(loadSecrets({ dataDir: folder.path })).rejects.toThrow('repeats the same few bytes: make one with')
  })

  it('open what keys of before have sealed, wherever these stand', async () => {
    await using folder = await temporaryFolder()
    const before = await loadSecrets({ dataDir: folder.path })
    const sealed = new AesGcmSealer(before.sealingKeys).seal('plain', AT)
    const text = await readFile(join(folder.path, 'secret.key'), 'utf8')
    const previousSecretKeys = [Uint8Array.from(Buffer.from(text, 'base64'))]
    const after = await loadSecrets({ dataDir: folder.path, secretKey: randomBytes(32), previousSecretKeys })
    const sealer = new AesGcmSealer(after.sealingKeys)
    expect(sealer.open(sealed, AT)).toBe('plain')
    expect(sealer.isCurrent(sealed)).toBe(false)
    expect(sealer.isCurrent(sealer.seal('plain', AT))).toBe(true)
    expect(after.signingKeys()[1]).toEqual(before.signingKeys()[0])
    expect(after.linkKeys()[1]).toEqual(before.linkKeys()[0])
  })

  it('follow a key file that another process changes, and go on opening what was under its key of before', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'secret.key')
    const running = new AesGcmSealer((await loadSecrets({ dataDir: folder.path })).sealingKeys)
    const old = running.seal('old', AT)
    const [first] = await keptKeys(path)
    const next = newKey()
    await replaceKeys(path, [next, first])
    const other = new AesGcmSealer((await loadSecrets({ dataDir: folder.path })).sealingKeys)
    expect(running.open(other.seal('new', AT), AT)).toBe('new')
    expect(other.isCurrent(running.seal('newer', AT))).toBe(true)
    await replaceKeys(path, [next])
    expect(running.isCurrent(running.seal('newest', AT))).toBe(true)
    expect(running.open(old, AT)).toBe('old')
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect(await readdir(folder.path)).toEqual(['secret.key'])
  })
})

describe('the sealer', () => {
  const sealerOf = (...keys: [Uint8Array, ...Uint8Array[]]) => new AesGcmSealer(fixedKeys(keys))

  it('opens what it sealed, each time in other words, which name its key', () => {
    const key = randomBytes(32)
    const sealer = sealerOf(key)
    for (const plain of ['', 'key', 'ключ 🔑', 'x'.repeat(5_000)]) {
      const sealed = sealer.seal(plain, AT)
      expect(sealed).toMatch(/^v2\.[\w-]{8}\.[\w-]+$/)
      expect(sealed.split('.')[1]).toBe(fixedKeys([key]).current().id)
      expect(sealed).not.toBe(sealer.seal(plain, AT))
      expect(sealer.open(sealed, AT)).toBe(plain)
    }
  })

  it('refuses what was changed or sealed with another key', () => {
    const sealer = sealerOf(randomBytes(32))
    const sealed = sealer.seal('secret', AT)
    expect(() => sealerOf(randomBytes(32)).open(sealed, AT)).toThrow('not known here')
    const [version = '', id = '', body = ''] = sealed.split('.')
    const bytes = Buffer.from(body, 'base64url')
    for (let at = 0; at < bytes.length; at += 1) {
      const changed = Buffer.from(bytes)
      changed[at] = (changed[at] ?? 0) ^ 1
      const text = `${version}.${id}.${changed.toString('base64url')}`
      expect(() => sealer.open(text, AT)).toThrow('does not belong')
    }
    for (const other of [
      '',
      'secret',
      'v1.',
      'v1.AAAA',
      `v2.${id}.`,
      'v3.AAAA',
      `${sealed}.x`,
      sealed.replace('v2', 'v3'),
    ]) {
      expect(() => sealer.open(other, AT)).toThrow('unknown kind')
    }
  })

  it('opens nothing that was copied to another row or column', () => {
    const sealer = sealerOf(randomBytes(32))
    const sealed = sealer.seal('secret', AT)
    expect(() => sealer.open(sealed, { ...AT, id: 'prn_2' })).toThrow('does not belong to this place')
    expect(() => sealer.open(sealed, { ...AT, place: 'webhook.secret_cipher' })).toThrow(
      'does not belong to this place',
    )
  })

  it('opens with a key of before only what names that key', () => {
    const [first, second] = [randomBytes(32), randomBytes(32)]
    const sealed = sealerOf(first).seal('secret', AT)
    const both = sealerOf(second, first)
    expect(both.open(sealed, AT)).toBe('secret')
    const renamed = sealed.replace(/^v2\.[^.]+/, `v2.${fixedKeys([second]).current().id}`)
    expect(() => both.open(renamed, AT)).toThrow('does not belong')
  })

  it('still reads the form of before, in which nothing was bound to its place', () => {
    const master = randomBytes(32)
    const { bytes } = fixedKeys([master]).current()
    const nonce = randomBytes(12)
    const cipher = createCipheriv('aes-256-gcm', bytes, nonce).setAAD(Buffer.from('v1'))
    const sealed = Buffer.concat([cipher.update('old', 'utf8'), cipher.final()])
    const text = `v1.${Buffer.concat([nonce, cipher.getAuthTag(), sealed]).toString('base64url')}`
    const both = sealerOf(randomBytes(32), master)
    expect(both.open(text, AT)).toBe('old')
    expect(both.isCurrent(text)).toBe(false)
    expect(() => sealerOf(randomBytes(32)).open(text, AT)).toThrow('does not belong to any secret key')
  })
})
