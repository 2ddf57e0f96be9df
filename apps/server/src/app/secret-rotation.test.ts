import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { describe, expect, it } from 'vitest'

import { AesGcmSealer } from '../adapters/secrets/aes-gcm-sealer.js'
import { keptKeys } from '../adapters/secrets/key-file.js'
import { loadSecrets } from '../adapters/secrets/load-secrets.js'
import { fixedKeys } from '../adapters/secrets/sealing-keys.js'
import { PrismaSealedRows } from '../db/sealed-rows.js'
import { newId, PASSING_PLACES, SEALED_PLACES, type SealedAt } from '../kernel/index.js'
import { reseal } from '../modules/secrets/reseal.js'
import type { SealedRows } from '../modules/secrets/secrets.ports.js'
import { passwordTokenHash } from '../modules/users/password-links.js'
import { admin, openWebhookBench } from '../modules/webhooks/testing/webhook-bench.js'
import { openAccounts } from '../testing/accounts-bench.js'
import { openTestDatabase, type OpenDatabase } from '../testing/open-database.js'
import { recordingLogger } from '../testing/recording-logger.js'
import { runRotateCommand } from './secret-rotation.js'

const sealerOf = (...keys: [Uint8Array, ...Uint8Array[]]) => new AesGcmSealer(fixedKeys(keys))

const printerAt = (id: string): SealedAt => ({ place: 'printer.api_key_cipher', id })

/** Printers with a key, so many and one without. */
const addPrinters = async ({ prisma }: OpenDatabase, sealer: AesGcmSealer, count: number): Promise<string[]> => {
  const ids = Array.from({ length: count }, () => newId('printer'))
  const row = (id: string, apiKeyCipher: string | null) => ({
    ...{ id, name: id, kind: 'octoprint' as const, url: 'http://p', apiKeyCipher },
  })
  const sealed = ids.map((id) => row(id, sealer.seal(`key of ${id}`, printerAt(id))))
  await prisma.printer.createMany({ data: [...sealed, row(newId('printer'), null)] })
  return ids
}

const keysIn = async ({ prisma }: OpenDatabase, sealer: AesGcmSealer): Promise<Record<string, string>> => {
  const rows = await prisma.printer.findMany({ where: { apiKeyCipher: { not: null } } })
  return Object.fromEntries(rows.map(({ id, apiKeyCipher }) => [id, sealer.open(apiKeyCipher ?? '', printerAt(id))]))
}

const expected = (ids: string[]) => Object.fromEntries(ids.map((id) => [id, `key of ${id}`]))

const temporaryFolder = async () => {
  const path = await mkdtemp(join(tmpdir(), 'gantry-rotation-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

interface Keys {
  dataDir?: string
  secretKey?: Uint8Array | null
  previousSecretKeys?: readonly Uint8Array[]
}

/** The command as from a shell; what it printed. */
const command = async (
  { url }: Pick<OpenDatabase, 'url'>,
  { dataDir = '/nowhere', secretKey = null, previousSecretKeys = [] }: Keys,
  ...words: string[]
) => {
  const lines: string[] = []
  const code = await runRotateCommand({
    arguments: words,
    config: {
      dataDir,
      auth: { secretKey, previousSecretKeys } as never,
      database: { url, timeoutMs: 10_000 } as never,
    },
    print: (line) => lines.push(line),
    log: recordingLogger(),
  })
  return { code, lines, text: lines.join('\n') }
}

describe('the list of what is sealed', () => {
  it('names every column that the database has for sealed texts, and nothing else', async () => {
    await using database = await openTestDatabase()
    const columns = await database.prisma.$queryRaw<{ name: string }[]>`
      select table_name || '.' || column_name as name from information_schema.columns
      where table_schema = current_schema() and column_name like '%cipher%'`
    expect(columns.map(({ name }) => name).toSorted()).toEqual([...SEALED_PLACES].toSorted())
    const { spots } = new PrismaSealedRows(database.prisma)
    expect(new Set(spots.map(({ place }) => place))).toEqual(new Set([...SEALED_PLACES, ...PASSING_PLACES]))
  })
})

describe('changing the key', () => {
  it('seals every secret of webhooks anew, kept answers and secrets of before included', async () => {
    await using bench = await openWebhookBench()
    const { prisma, webhooks, key: old } = bench
    const idempotencyKey = 'once'
    const input = {
      url: 'http://hook.test/',
      description: '',
      eventTypes: ['*' as const],
      minSeverity: 'info' as const,
    }
    const made = await webhooks.create(admin, { ...input, idempotencyKey })
    await webhooks.rotateSecret(admin, { id: made.id, idempotencyKey: 'again' })
    const next = randomBytes(32)
    const reports = await reseal({ rows: new PrismaSealedRows(prisma), sealer: sealerOf(next, old), write: true })
    expect(reports.map(({ spot, resealed, left, lost }) => [spot, resealed, left, lost.length])).toEqual([
      ['printer.api_key_cipher', 0, 0, 0],
      ['second_factor.seed_cipher', 0, 0, 0],
      ['webhook.secret_cipher', 1, 0, 0],
      ['webhook.previous_secret_cipher', 1, 0, 0],
      ['idempotency_key.response', 2, 0, 0],
      ['idempotency_key.response, invitations', 0, 0, 0],
      ['outbox.payload', 0, 0, 0],
    ])
    const row = await prisma.webhook.findUniqueOrThrow({ where: { id: made.id } })
    const sealer = sealerOf(next)
    expect(sealer.open(row.previousSecretCipher ?? '', { place: 'webhook.previous_secret_cipher', id: made.id })).toBe(
      made.secret,
    )
    bench.useKeys(next)
    expect(await webhooks.create(admin, { ...input, idempotencyKey })).toMatchObject({
      id: made.id,
      secret: made.secret,
    })
  })

  it('seals the tokens of invitations and resets anew, in mails that are not sent yet and in kept answers', async () => {
    await using mailing = await openAccounts({ canMail: true })
    await using showing = await openAccounts()
    const input = { email: 'new@example.org', role: 'viewer' as const, idempotencyKey: 'once' }
    const { user } = await mailing.service.create(mailing.root, input)
    await mailing.service.sendPasswordLink(mailing.root, (await mailing.addUser('eve', 'operator')).id)
    const shown = await showing.service.create(showing.root, input)
    const next = randomBytes(32)
    const resealed = async ({ prisma, key: old }: typeof mailing) => {
      const reports = await reseal({ rows: new PrismaSealedRows(prisma), sealer: sealerOf(next, old), write: true })
      return reports.filter(({ rows }) => rows > 0).map(({ spot, resealed: count, lost }) => [spot, count, lost])
    }
    const inAnswers = ['idempotency_key.response, invitations', 1, []]
    expect(await resealed(mailing)).toEqual([inAnswers, ['outbox.payload', 2, []]])
    expect(await resealed(showing)).toEqual([inAnswers])

    mailing.useKeys(next)
    const tokens = (await mailing.mails()).map((mail) => mailing.tokenIn(mail))
    const { tokenHash } = await mailing.prisma.passwordToken.findUniqueOrThrow({ where: { userId: user.id } })
    expect(tokens.map(passwordTokenHash)).toContain(tokenHash)
    showing.useKeys(next)
    expect(await showing.service.create(showing.root, input)).toMatchObject({ invitation: shown.invitation })
  })

  it('leaves alone what nobody needs: tokens of mails that were sent, and those that are over', async () => {
    await using mailing = await openAccounts({ canMail: true })
    const { prisma, service, root, key: old } = mailing
    await service.create(root, { email: 'new@example.org', role: 'viewer' })
    await service.sendPasswordLink(root, (await mailing.addUser('eve', 'operator')).id)
    const [sent, over] = await prisma.outbox.findMany({ where: { type: 'EMAIL_NOTIFICATION' }, orderBy: { id: 'asc' } })
    await prisma.outbox.update({ where: { id: sent!.id }, data: { state: 'done' } })
    await prisma.$executeRaw`update outbox set payload = jsonb_set(payload, '{content,data,expiresAt}',
      '"2020-01-01T00:00:00.000Z"') where id = ${over!.id}`
    const sealer = sealerOf(randomBytes(32), old)
    const reports = await reseal({ rows: new PrismaSealedRows(prisma), sealer, write: true })
    expect(reports.filter(({ rows }) => rows > 0)).toEqual([])
  })

  it('goes through all pages, and a second time finds nothing to do', async () => {
    await using database = await openTestDatabase()
    const [old, next] = [randomBytes(32), randomBytes(32)]
    const ids = await addPrinters(database, sealerOf(old), 450)
    const keys = { secretKey: next, previousSecretKeys: [old] }
    expect((await command(database, keys, '--check')).code).toBe(1)
    const first = await command(database, keys)
    expect(first.code).toBe(0)
    expect(first.lines).toContain('printer.api_key_cipher: 400 rows')
    expect(first.text).toMatch(/printer\.api_key_cipher +450 +0 +450 +0 +0\n/)
    const second = await command(database, keys)
    expect(second.text).toMatch(/printer\.api_key_cipher +450 +450 +0 +0 +0\n/)
    // The old key is not needed any more.
    expect((await command(database, { secretKey: next }, '--check')).code).toBe(0)
    expect(await keysIn(database, sealerOf(next))).toEqual(expected(ids))
  })

  it('can be broken off anywhere and run again', async () => {
    await using database = await openTestDatabase()
    const [old, next] = [randomBytes(32), randomBytes(32)]
    const ids = await addPrinters(database, sealerOf(old), 10)
    const real = new PrismaSealedRows(database.prisma)
    let left = 4
    const breaking: SealedRows = {
      spots: real.spots,
      page: (...page) => real.page(...page),
      alone: (work) => real.alone(work),
      replace: (...change) => (left-- > 0 ? real.replace(...change) : Promise.reject(new Error('the power is gone'))),
    }
    const sealer = sealerOf(next, old)
    await expect(reseal({ rows: breaking, sealer, write: true })).rejects.toThrow('the power is gone')
    expect(await keysIn(database, sealer)).toEqual(expected(ids))
    const [printers] = await reseal({ rows: real, sealer, write: true })
    expect(printers).toMatchObject({ rows: 10, current: 4, resealed: 6, left: 0 })
    expect(await keysIn(database, sealerOf(next))).toEqual(expected(ids))
  })

  it('never overwrites what a server stores meanwhile, and finds that in the end', async () => {
    await using database = await openTestDatabase()
    const { prisma } = database
    const [old, next] = [randomBytes(32), randomBytes(32)]
    const ids = await addPrinters(database, sealerOf(old), 3)
    // Whose turn is first.
    const [changed = ''] = ids.toSorted()
    const real = new PrismaSealedRows(prisma)
    let isFirst = true
    const racing: SealedRows = {
      spots: real.spots,
      page: (...page) => real.page(...page),
      alone: (work) => real.alone(work),
      replace: async (spot, row, sealed) => {
        if (isFirst) {
          isFirst = false
          // A server that was started with the old key alone.
          const apiKeyCipher = sealerOf(old).seal('typed in anew', printerAt(row.at.id))
          await prisma.printer.update({ where: { id: row.at.id }, data: { apiKeyCipher } })
        }
        return real.replace(spot, row, sealed)
      },
    }
    const [printers] = await reseal({ rows: racing, sealer: sealerOf(next, old), write: true })
    expect(printers).toMatchObject({ rows: 3, current: 2, resealed: 3, left: 0, lost: [] })
    expect(await keysIn(database, sealerOf(next))).toEqual({ ...expected(ids), [changed]: 'typed in anew' })
  })

  it('names what no key opens, fails with it, and seals the rest', async () => {
    await using database = await openTestDatabase()
    const [old, next] = [randomBytes(32), randomBytes(32)]
    const [lost = ''] = await addPrinters(database, sealerOf(randomBytes(32)), 1)
    const [moved = '', other = ''] = await addPrinters(database, sealerOf(old), 2)
    const { apiKeyCipher } = await database.prisma.printer.findUniqueOrThrow({ where: { id: other } })
    await database.prisma.printer.update({ where: { id: moved }, data: { apiKeyCipher } })
    const { code, text, lines } = await command(database, { secretKey: next, previousSecretKeys: [old] })
    expect(code).toBe(1)
    for (const id of [lost, moved])
      expect(lines).toContain(`printer.api_key_cipher ${id} cannot be opened with any key that is known.`)
    expect(text).toMatch(/printer\.api_key_cipher +3 +0 +1 +0 +2\n/)
    expect(text).not.toContain(`key of ${other}`)
    expect(lines.at(-1)).toBe('2 are not under the current key.')
  })

  it('says how it is used', async () => {
    for (const words of [['--nothing'], ['--check', 'more']]) {
      const { code, text } = await command({ url: 'postgresql://nowhere' }, {}, ...words)
      expect([code, text.split('\n')[0]]).toEqual([2, 'Usage: npm run secrets:rotate [-- OPTION]'])
    }
  })
})

describe('changing the key in the file', () => {
  const open = async () => {
    const folder = await temporaryFolder()
    const database = await openTestDatabase()
    const { sealingKeys } = await loadSecrets({ dataDir: folder.path })
    const path = join(folder.path, 'secret.key')
    return {
      ...{ database, path, dataDir: folder.path, running: new AesGcmSealer(sealingKeys) },
      /** As if the key had been changed so long ago. */
      age: async (minutes: number) => utimes(path, new Date(), new Date(Date.now() - minutes * 60_000)),
      [Symbol.asyncDispose]: async () => {
        await database[Symbol.asyncDispose]()
        await folder[Symbol.asyncDispose]()
      },
    }
  }

  it('makes one, seals with it beside a running server, and lets go of the old one in the end', async () => {
    await using place = await open()
    const { database, dataDir, path, running } = place
    const ids = await addPrinters(database, running, 5)
    const [old] = await keptKeys(path)
    expect((await command(database, { dataDir })).code).toBe(0)
    const [next, ...previous] = await keptKeys(path)
    expect(next).not.toEqual(old)
    expect(previous).toEqual([old])
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect(await readdir(dataDir)).toEqual(['secret.key'])
    // The server was not started again.
    expect(await keysIn(database, running)).toEqual(expected(ids))
    const more = await addPrinters(database, running, 2)
    expect(await keysIn(database, sealerOf(next))).toEqual(expected([...ids, ...more]))

    const early = await command(database, { dataDir }, '--forget')
    expect([early.code, early.lines.at(-1)]).toEqual([1, expect.stringMatching(/too new.*Again in \d+ s\.$/)])
    await place.age(6)
    expect((await command(database, { dataDir }, '--forget')).code).toBe(0)
    expect(await keptKeys(path)).toEqual([next])
    expect(await keysIn(database, running)).toEqual(expected([...ids, ...more]))
  })

  it('goes on with the same new key after it was broken off, and of two at once both use one', async () => {
    await using place = await open()
    const { database, dataDir, path, running } = place
    const ids = await addPrinters(database, running, 5)
    const both = await Promise.all([command(database, { dataDir }), command(database, { dataDir })])
    expect(both.map(({ code }) => code)).toEqual([0, 0])
    const text = await readFile(path, 'utf8')
    expect(text.trim().split('\n')).toHaveLength(2)
    expect((await command(database, { dataDir })).code).toBe(0)
    expect(await readFile(path, 'utf8')).toBe(text)
    const [next] = await keptKeys(path)
    expect(await keysIn(database, sealerOf(next))).toEqual(expected(ids))
  })

  it('keeps the old key while anything needs it', async () => {
    await using place = await open()
    const { database, dataDir, path, running } = place
    const [id = ''] = await addPrinters(database, running, 1)
    const before = await database.prisma.printer.findUniqueOrThrow({ where: { id } })
    await command(database, { dataDir })
    await database.prisma.printer.update({ where: { id }, data: { apiKeyCipher: before.apiKeyCipher } })
    await place.age(6)
    const { code, lines } = await command(database, { dataDir }, '--forget')
    expect([code, lines.at(-1)]).toEqual([1, '1 are not under the current key.'])
    expect(await keptKeys(path)).toHaveLength(2)
  })

  it('has nothing to let go of when the keys come from the environment', async () => {
    await using database = await openTestDatabase()
    const { code, text } = await command(database, { secretKey: randomBytes(32) }, '--forget')
    expect([code, text]).toEqual([1, expect.stringContaining('GANTRY_SECRET_KEY_PREVIOUS')])
  })
})
