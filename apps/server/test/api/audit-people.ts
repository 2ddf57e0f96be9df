import { createHash, randomBytes } from 'node:crypto'

import { Secret, TOTP } from 'otpauth'

import { newId } from '../../src/kernel/index.js'
import { callerOf, PASSWORD, type AppUnderTest, type Caller } from '../../src/testing/app-under-test.js'

export const ADMIN_EMAIL = 'admin@example.org'
/** Nobody answers there. */
export const ISSUER = 'http://127.0.0.1:9'
const HALF_MINUTE_MS = 30_000

/** What their authenticator app shows so many half minutes from now. */
const codeOf = (secret: string, halfMinutes: number) =>
  new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp: Date.now() + halfMinutes * HALF_MINUTE_MS })

/** Users on whom calls are made, and who make some; each is known by the id. */
export const peopleOf = (app: AppUnderTest) => {
  const { trpc } = app.admin
  const callers = new Map<string, Caller>()
  const secrets = new Map<string, string>()
  const emails = new Map<string, string>()
  const tokens = new Map<string, string>()
  const identities = new Map<string, string>()
  let count = 0
  const freshEmail = () => `person${(count += 1)}@example.org`
  const person = (id: string) => callers.get(id)!

  const account = async () => {
    const email = freshEmail()
    const { user } = await trpc.users.create.mutate({ email, role: 'viewer', password: PASSWORD })
    emails.set(user.id, email)
    return { id: user.id }
  }
  const logIn = async (id: string) => {
    const email = emails.get(id)!
    const { accessToken } = await app.nobody.trpc.auth.login.mutate({ email, password: PASSWORD })
    return callerOf(app.url, { Authorization: `Bearer ${accessToken}` })
  }
  const loggedIn = async () => {
    const { id } = await account()
    callers.set(id, await logIn(id))
    return { id }
  }
  const withSeed = async () => {
    const { id } = await loggedIn()
    secrets.set(id, (await person(id).trpc.secondFactor.begin.mutate({ password: PASSWORD })).secret)
    return { id }
  }
  /** Codes work once: the one before that of now, so that later ones are left. */
  const withFactor = async () => {
    const { id } = await withSeed()
    await person(id).trpc.secondFactor.confirm.mutate({ code: codeOf(secrets.get(id)!, -1) })
    return { id }
  }
  const invited = async () => {
    const { user, invitation } = await trpc.users.create.mutate({ email: freshEmail(), role: 'viewer' })
    tokens.set(user.id, invitation?.token ?? '')
    return { id: user.id }
  }
  const withReset = async () => {
    const { id } = await account()
    tokens.set(id, (await trpc.users.sendPasswordLink.mutate({ id })).token ?? '')
    return { id }
  }
  const disabled = async () => {
    const { id } = await account()
    await trpc.users.disable.mutate({ id })
    return { id }
  }
  const withIdentity = async () => {
    const { id } = await loggedIn()
    identities.set(id, newId('identity'))
    const data = { id: identities.get(id)!, userId: id, issuer: ISSUER, subject: `subject ${(count += 1)}` }
    await app.prisma.userIdentity.create({ data })
    return { id }
  }
  /** As if somebody had just come back from the provider. */
  const signOnTicket = async (purpose: 'login' | 'link') => {
    const [ticket, codeVerifier] = [randomBytes(32).toString('base64url'), randomBytes(32).toString('base64url')]
    const about = {
      issuer: ISSUER,
      subject: `subject ${(count += 1)}`,
      email: freshEmail(),
      displayName: null,
      groups: [],
    }
    const soon = new Date(Date.now() + 60_000)
    await app.prisma.signOn.create({
      data: {
        ...{ stateHash: ticket, ticketHash: createHash('sha256').update(ticket).digest('hex') },
        ...{ expiresAt: soon, ticketExpiresAt: soon, proof: { purpose, fresh: false, identity: about } },
        challenge: createHash('sha256').update(codeVerifier).digest('base64url'),
      },
    })
    return { ticket, codeVerifier }
  }
  const role = () => trpc.roles.create.mutate({ name: `Role ${(count += 1)}`, permissions: ['files.read'] })
  const apiKey = () =>
    trpc.apiKeys.create.mutate({ password: PASSWORD, name: `Key ${(count += 1)}`, scopes: ['files.read'] })
  return {
    ...{ freshEmail, person, account, logIn, loggedIn, withSeed, withFactor, invited, withReset, disabled },
    ...{ role, apiKey, withIdentity, signOnTicket },
    identityOf: (id: string) => identities.get(id)!,
    emailOf: (id: string) => emails.get(id)!,
    tokenOf: (id: string) => tokens.get(id)!,
    codeFor: (id: string) => codeOf(secrets.get(id)!, 1),
  }
}
