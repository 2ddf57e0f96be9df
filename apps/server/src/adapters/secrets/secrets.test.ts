import { randomBytes } from 'node:crypto'
import { chmod, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { describe, expect, it } from 'vitest'

import { AesGcmSealer } from './aes-gcm-sealer.js'
import { loadSecrets } from './load-secrets.js'

const temporaryFolder = async () => {
  const path = await mkdtemp(join(tmpdir(), 'gantry-secrets-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

describe('the secrets', () => {
  it('are the same for all who start at once, in a file for its owner alone, and stay', async () => {
    await using folder = await temporaryFolder()
    const dataDir = join(folder.path, 'data')
    const all = await Promise.all(Array.from({ length: 8 }, () => loadSecrets({ dataDir })))
    for (const secrets of all) expect(secrets).toEqual(all[0])
    expect(await readdir(dataDir)).toEqual(['secret.key'])
    expect((await stat(join(dataDir, 'secret.key'))).mode & 0o777).toBe(0o600)
    expect(await loadSecrets({ dataDir })).toEqual(all[0])
    expect(all[0]?.signingKey).toHaveLength(32)
    expect(all[0]?.signingKey).not.toEqual(all[0]?.sealingKey)
  })

  it('come from the given key without touching the disk', async () => {
    await using folder = await temporaryFolder()
    const secretKey = randomBytes(32)
    const secrets = await loadSecrets({ dataDir: folder.path, secretKey })
    expect(await loadSecrets({ dataDir: '/nowhere', secretKey })).toEqual(secrets)
    expect(await readdir(folder.path)).toEqual([])
  })

  it('are never replaced when the file is damaged', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, 'secret.key')
    await writeFile(path, 'short')
    await chmod(path, 0o600)
    await expect(loadSecrets({ dataDir: folder.path })).rejects.toThrow('does not hold 32 bytes')
  })
})

describe('the sealer', () => {
  it('opens what it sealed, each time in other words', () => {
    const sealer = new AesGcmSealer(randomBytes(32))
    for (const plain of ['', 'key', 'ключ 🔑', 'x'.repeat(5_000)]) {
      const sealed = sealer.seal(plain)
      expect(sealed).toMatch(/^v1\.[\w-]+$/)
      expect(sealed).not.toBe(sealer.seal(plain))
      expect(sealer.open(sealed)).toBe(plain)
    }
  })

  it('refuses what was changed, sealed with another key, or is of another kind', () => {
    const sealer = new AesGcmSealer(randomBytes(32))
    const sealed = sealer.seal('secret')
    expect(() => new AesGcmSealer(randomBytes(32)).open(sealed)).toThrow('does not belong')
    const bytes = Buffer.from(sealed.slice(3), 'base64url')
    for (let at = 0; at < bytes.length; at += 1) {
      const changed = Buffer.from(bytes)
      changed[at] = (changed[at] ?? 0) ^ 1
      expect(() => sealer.open(`v1.${changed.toString('base64url')}`)).toThrow('does not belong')
    }
    for (const other of ['', 'secret', 'v1.', 'v2.AAAA', sealed.replace('v1', 'v2')]) {
      expect(() => sealer.open(other)).toThrow('unknown kind')
    }
  })
})
