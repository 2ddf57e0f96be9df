import { utimes } from 'node:fs/promises'
import { join } from 'node:path'

import { decodeProtectedHeader } from 'jose'
import { expect, it } from 'vitest'

import { keptKeys } from '../../src/adapters/secrets/key-file.js'
import { deriveKey } from '../../src/adapters/secrets/sealing-keys.js'
import { runAuditVerify } from '../../src/app/audit-verify.js'
import { runRotateCommand } from '../../src/app/secret-rotation.js'
import { systemClock, unchangingKeys } from '../../src/kernel/index.js'
import { AccessTokens } from '../../src/modules/auth/access-tokens.js'
import { callerOf, PASSWORD, startAppUnderTest, type AppUnderTest } from '../../src/testing/app-under-test.js'
import { sealed } from '../../src/testing/audit-log.js'
import { recordingLogger } from '../../src/testing/recording-logger.js'

const rotated = ({ config }: AppUnderTest, ...words: string[]) =>
  runRotateCommand({ arguments: words, config, print: () => undefined, log: recordingLogger() })

const verified = async ({ config }: AppUnderTest) => {
  const lines: string[] = []
  const code = await runAuditVerify({ arguments: [], config, print: (line) => lines.push(line) })
  return { code, lines }
}

const logIn = async ({ nobody, prisma }: AppUnderTest) => {
  const { email } = await prisma.user.findFirstOrThrow()
  const { accessToken } = await nobody.trpc.auth.login.mutate({ email, password: PASSWORD })
  const { id: userId } = await prisma.user.findUniqueOrThrow({ where: { email } })
  const { id: sessionId } = await prisma.session.findFirstOrThrow({ where: { userId }, orderBy: { createdAt: 'desc' } })
  return { accessToken, claims: { userId, sessionId } }
}

const isIn = async ({ url }: AppUnderTest, token: string) =>
  (await callerOf(url, { Authorization: `Bearer ${token}` }).rest('GET', '/api/printers')).status

it('a key in the file is changed beneath a running server, which takes nothing of the old one', async () => {
  await using app = await startAppUnderTest()
  const file = join(app.config.dataDir, 'secret.key')
  const [old] = await keptKeys(file)
  const before = await logIn(app)
  const forger = new AccessTokens({
    ...{ keys: unchangingKeys(deriveKey(old, 'access tokens')), lifetimeSeconds: 600, clock: systemClock },
  })
  const forged = async () => (await forger.issue({ ...before.claims, role: 'admin' })).token
  const known = await forged()
  expect(await isIn(app, known)).toBe(200)

  expect(await rotated(app)).toBe(0)
  const after = await logIn(app)
  expect(decodeProtectedHeader(after.accessToken).kid).not.toBe(decodeProtectedHeader(before.accessToken).kid)
  // Nobody is thrown out by it.
  expect([await isIn(app, before.accessToken), await isIn(app, after.accessToken)]).toEqual([200, 200])
  await app.admin.trpc.projects.create.mutate({ name: 'Under the new key' })
  await sealed(app)
  expect(await verified(app)).toMatchObject({ code: 0 })

  await utimes(file, new Date(), new Date(Date.now() - 6 * 60_000))
  expect(await rotated(app, '--forget')).toBe(0)
  expect([await isIn(app, await forged()), await isIn(app, after.accessToken)]).toEqual([401, 200])
  // Nor what was found good before.
  expect(await isIn(app, known)).toBe(401)
  const admin = callerOf(app.url, { Authorization: `Bearer ${after.accessToken}` })
  await admin.trpc.projects.create.mutate({ name: 'Without the old key' })
  await sealed(app)
  expect(await verified(app)).toMatchObject({ code: 0 })
}, 120_000)
