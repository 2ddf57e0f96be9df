import { randomBytes } from 'node:crypto'

import type { UserRole } from '@gantry/schemas'

import { AesGcmSealer } from '../adapters/secrets/aes-gcm-sealer.js'
import { fixedKeys } from '../adapters/secrets/sealing-keys.js'
import { repositoriesFor } from '../db/repositories.js'
import { createUnitOfWork } from '../db/unit-of-work.js'
import { inRole, newId, onPrimary, type Actor } from '../kernel/index.js'
import { hashPassword } from '../modules/auth/passwords.js'
import { passwordLinkAt } from '../modules/notifications/password-page.js'
import type { CredentialSealer } from '../modules/printers/printers.ports.js'
import { AccountService } from '../modules/users/account.service.js'
import { PasswordLinks } from '../modules/users/password-links.js'
import { UsersService } from '../modules/users/users.service.js'
import { openAuth, PASSWORD } from './auth-bench.js'
import { silentHook } from './open-database.js'

export const ORIGIN = { userAgent: 'test', ip: '192.0.2.1' }

const noExports = () => Promise.reject(new Error('there are no exports here'))

/** People's accounts on the bench of the auth module: Ada, an operator, and Root, an admin. */
export const openAccounts = async ({ canMail = false } = {}) => {
  const bench = await openAuth()
  const { prisma, limiter, reauthentication, authenticator, forgetSession } = bench
  const unitOfWork = createUnitOfWork({ prisma, repositoriesFor, hook: silentHook })
  const key = randomBytes(32)
  let sealing = new AesGcmSealer(fixedKeys([key]))
  const sealer: CredentialSealer = {
    seal: (plain, at) => sealing.seal(plain, at),
    open: (cipher, at) => sealing.open(cipher, at),
  }
  const shared = {
    unitOfWork,
    reads: onPrimary(repositoriesFor(prisma)),
    limiter,
    reauthentication,
    links: new PasswordLinks({ sealer, publicUrl: 'https://gantry.example.org', canMail }),
    forgetSession,
    forgetKey: () => undefined,
  }
  const exports = { create: noExports, get: noExports }
  const service = new UsersService({ ...shared, exports, isRegistrationOpen: false })
  const account = new AccountService({ ...shared, resetAnswerMs: 0 })
  const passwordHash = await hashPassword(PASSWORD)
  const addUser = async (name: string, role: UserRole): Promise<Actor> => {
    const id = newId('user')
    const data = { id, email: `${name}@example.org`, displayName: name, role, passwordHash }
    await prisma.user.create({ data })
    return {
      kind: 'user',
      id,
      ...inRole(role),
      sessionId: null,
      apiKeyId: null,
      scope: { printerGroups: 'all', projects: 'all' },
    }
  }
  const root = await addUser('root', 'admin')
  /** Whoever logs in so, as the server knows them. */
  const actorOf = async (email: string, password = PASSWORD): Promise<Actor & { accessToken: string }> => {
    const { accessToken } = await bench.login(password, email)
    const actor = await authenticator.authenticate(`Bearer ${accessToken}`)
    if (actor === null) throw new Error('nobody')
    return { ...actor, accessToken }
  }
  const stillIn = (accessToken: string) =>
    authenticator.authenticate(`Bearer ${accessToken}`).then(
      () => true,
      () => false,
    )
  const mails = async () => {
    const rows = await prisma.outbox.findMany({ where: { type: 'EMAIL_NOTIFICATION' }, orderBy: { id: 'asc' } })
    return rows.map(
      ({ payload }) => payload as unknown as { to: string; content: { template: string; data: MailData } },
    )
  }
  const events = async (type: string) => prisma.event.findMany({ where: { type }, orderBy: { seq: 'asc' } })
  const tokenIn = ({ content }: Awaited<ReturnType<typeof mails>>[number]) =>
    sealer.open(content.data.sealedToken, passwordLinkAt(content.data.userId))
  return {
    ...bench,
    ...{ service, account, addUser, root, actorOf, stillIn, mails, events, tokenIn, key },
    /** As after a start with other keys. */
    useKeys: (...keys: [Uint8Array, ...Uint8Array[]]) => {
      sealing = new AesGcmSealer(fixedKeys(keys))
    },
    [Symbol.asyncDispose]: () => bench[Symbol.asyncDispose](),
  }
}

interface MailData {
  userId: string
  sealedToken: string
}
