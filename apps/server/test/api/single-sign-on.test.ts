import { createHash, randomBytes } from 'node:crypto'

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import { callerOf, PASSWORD, startAppUnderTest, type AppUnderTest } from '../../src/testing/app-under-test.js'
import { entriesOf } from '../../src/testing/audit-log.js'
import { Browser, type Page } from '../../src/testing/browser.js'
import {
  CLIENT_SECRET,
  startIdentityProvider,
  type Person,
  type TestIdentityProvider,
} from '../../src/testing/identity-provider.js'

const SITE = 'https://gantry.test'
const APP = 'https://app.example.org'
const START = `${SITE}/api/auth/sso`
const CALLBACK = `${START}/callback`
const [ACCESS, SIGN_ON] = ['__Host-gantry-access', '__Host-gantry-sign-on']
const SECRET_KEY = randomBytes(32).toString('base64')
const ADMIN_EMAIL = 'admin@example.org'

let provider: TestIdentityProvider
let app: AppUnderTest

const settings = () => ({
  ...provider.settings,
  ...{ GANTRY_ROLES: 'api,worker', GANTRY_SECRET_KEY: SECRET_KEY, CORS_ORIGINS: APP, OIDC_NAME: 'The lab' },
  OIDC_ROLES: 'gantry-admins=admin,makers=operator,cleaners=Bed cleaner,gone=No such role',
})

beforeAll(async () => {
  provider = await startIdentityProvider(SITE)
  app = await startAppUnderTest(settings())
})
afterAll(async () => {
  await app[Symbol.asyncDispose]()
  await provider[Symbol.asyncDispose]()
})
beforeEach(() => {
  Object.assign(provider, { person: maker(), state: 'well', forge: null })
  provider.requests.length = 0
})

let count = 0
const maker = (more: Partial<Person> = {}): Person => {
  const name = `maker${(count += 1)}`
  return {
    ...{ sub: `sub-of-${name}`, email: `${name}@example.org`, email_verified: true },
    ...{ name: `Maker ${count}`, groups: ['makers'], ...more },
  }
}

const browserOf = (of = app, accept?: string) => new Browser({ [SITE]: of.url }, accept)

/** As far as the callback's answer; what comes then is not ours. */
const signOn = (browser = browserOf(), query = '') =>
  browser.follow(START + query, (url) => !url.startsWith(provider.issuer) && !url.startsWith(CALLBACK))

/** As far as before the way back. */
const wayBack = async (browser: Browser, query = ''): Promise<string> =>
  (await browser.follow(START + query, (url) => url.startsWith(CALLBACK))).location!

const me = async (browser: Browser, of = app) => {
  const response = await fetch(`${of.url}/api/auth/me`, {
    headers: { Cookie: browser.header(SITE), 'X-Gantry-Session': 'cookie' },
  })
  return (await response.json()) as Record<string, unknown>
}

const errorIn = ({ location }: Page): (string | null)[] => {
  const { searchParams } = new URL(location ?? 'about:blank')
  return [searchParams.get('sso_error'), searchParams.get('sso_reason')]
}

/** What somebody is told who signs on as this person. */
const refusalOf = async (person: Person, query = '?return_to=/done') => {
  provider.person = person
  return errorIn(await signOn(browserOf(), query))
}

const userOf = (email: string) => app.prisma.user.findUniqueOrThrow({ where: { email } })

/** The user of somebody who has signed on. */
const signedOn = async (person = maker()) => {
  provider.person = person
  const browser = browserOf()
  await signOn(browser, '?return_to=/done')
  return { person, browser, user: await userOf(person.email!) }
}

describe('a sign-on', () => {
  it('goes to the provider with PKCE, state and nonce, and ends in a session by cookie at the page that was wished', async () => {
    const browser = browserOf()
    const start = await browser.open(`${START}?return_to=/board?tab=2`)
    const { origin, pathname, searchParams } = new URL(start.location!)
    expect([start.status, origin, pathname]).toEqual([303, provider.issuer, '/auth'])
    expect(Object.fromEntries(searchParams)).toMatchObject({
      ...{ client_id: 'gantry', response_type: 'code', scope: 'openid profile email', redirect_uri: CALLBACK },
      ...{ code_challenge_method: 'S256', code_challenge: expect.stringMatching(/^[\w-]{43}$/) as string },
      ...{
        state: expect.stringMatching(/^[\w-]{43}$/) as string,
        nonce: expect.stringMatching(/^[\w-]{43}$/) as string,
      },
    })
    expect(start.headers.getSetCookie()[0]).toMatch(
      /^__Host-gantry-sign-on=[^;]+; Max-Age=(?:600|599); Path=\/; HttpOnly; Secure; SameSite=Lax$/,
    )
    const end = await browser.follow(start.location!, (url) => url.startsWith(`${SITE}/board`))
    expect([end.status, end.location]).toEqual([303, `${SITE}/board?tab=2`])
    expect(browser.cookie(SITE, SIGN_ON)).toBeUndefined()
    expect(await me(browser)).toMatchObject({ email: provider.person!.email, role: 'operator' })
  })

  it('makes an account without a password the first time, and finds it by issuer and subject from then on', async () => {
    const { person, user } = await signedOn()
    expect(user).toMatchObject({ displayName: person.name, role: 'operator', passwordHash: null })
    const account = await app.admin.trpc.users.get.query({ id: user.id })
    expect(account.state).toBe('active')
    const { browser } = await signedOn({ ...person, email: person.email!, name: 'Another' })
    expect(await me(browser)).toMatchObject({ id: user.id, displayName: person.name })
    provider.person = { ...person, email: 'new-address@example.org' }
    const again = browserOf()
    await signOn(again)
    expect(await me(again)).toMatchObject({ id: user.id, email: person.email })
    const { items } = await app.admin.trpc.users.identities.query({ id: user.id })
    expect(items).toMatchObject([{ issuer: provider.issuer, subject: person.sub, email: 'new-address@example.org' }])
  })

  it('ends at a page of its own when none was wished', async () => {
    const page = await signOn()
    expect([page.status, page.location]).toEqual([200, null])
    expect(page.body).toContain('You are logged in')
  })

  it('is not in the way of a session that is there, nor is that in its way', async () => {
    const { browser } = await signedOn()
    const page = await signOn(browser, '?return_to=/done')
    expect([page.status, page.location]).toEqual([303, `${SITE}/done`])
  })

  it('goes on at another instance than where it began', async () => {
    await using other = await startAppUnderTest({ ...settings(), DATABASE_URL: app.databaseUrl, GANTRY_ROLES: 'api' })
    const browser = browserOf()
    const back = await wayBack(browser, '?return_to=/done')
    const elsewhere = browserOf(other)
    for (const [origin, jar] of browser.cookies) elsewhere.cookies.set(origin, jar)
    expect((await elsewhere.open(back)).location).toBe(`${SITE}/done`)
    expect(await me(elsewhere, other)).toMatchObject({ email: provider.person!.email })
    // Neither instance takes it twice.
    browser.cookies.get(SITE)!.set(SIGN_ON, elsewhere.cookie(SITE, SIGN_ON) ?? '')
    expect((await browser.open(back)).status).toBe(401)
  })

  it('stands among the ways in', async () => {
    expect(await app.nobody.trpc.auth.methods.query()).toEqual({
      ...{ password: true, registration: false, signOn: { name: 'The lab', url: START } },
    })
  })
})

describe('the role of who signs on', () => {
  it('follows the groups at every sign-on, by the first that fits, and ends the sessions of before', async () => {
    const { person, browser, user } = await signedOn()
    await signedOn({ ...person, groups: ['makers', 'gantry-admins'] })
    expect((await userOf(person.email!)).role).toBe('admin')
    expect(await me(browser)).toMatchObject({ error: { code: 'UNAUTHENTICATED' } })
    const events = await app.prisma.event.findMany({ where: { type: 'user.updated', subjectId: user.id } })
    expect(events).toHaveLength(1)
    await signedOn({ ...person, groups: ['makers'] })
    expect((await userOf(person.email!)).role).toBe('operator')
  })

  it('may be one that people made, and is passed over while that is not there', async () => {
    const person = maker({ groups: ['gone', 'cleaners'] })
    expect(await refusalOf(person)).toEqual(['SIGN_ON_REFUSED', 'no_role'])
    expect(app.logLines.some((line) => line.includes('No such role'))).toBe(true)
    const role = await app.admin.trpc.roles.create.mutate({ name: 'Bed cleaner', permissions: ['printers.control'] })
    await signedOn(person)
    expect(await userOf(person.email!)).toMatchObject({ role: 'viewer', customRoleId: role.id })
  })

  it.each([[[]], [['others']], [undefined]])('is none for the groups %j: nobody is made', async (groups) => {
    const { groups: _groups, ...person } = maker()
    expect(await refusalOf({ ...person, ...(groups !== undefined && { groups }) })).toEqual([
      ...['SIGN_ON_REFUSED', 'no_role'],
    ])
    expect(await app.prisma.user.count({ where: { email: person.email! } })).toBe(0)
  })

  it('is not taken from the last admin who has a password', async () => {
    const { user: admin } = await linked(ADMIN_EMAIL, { groups: ['gantry-admins'] })
    await signedOn({ ...admin, groups: ['makers'] })
    expect((await userOf(ADMIN_EMAIL)).role).toBe('admin')
  })
})

describe('who is not let in', () => {
  it('is whoever has the address of an account, until its owner links the identity', async () => {
    const { user } = await app.admin.trpc.users.create.mutate({
      ...{ email: 'taken@example.org', role: 'viewer', password: PASSWORD },
    })
    expect(await refusalOf(maker({ email: 'Taken@example.org' }))).toEqual(['SIGN_ON_REFUSED', 'account_exists'])
    expect(await app.prisma.userIdentity.count({ where: { userId: user.id } })).toBe(0)
  })

  it('is a new person without a verified address', async () => {
    for (const more of [{ email_verified: false }, { email: 'no address' }]) {
      expect(await refusalOf(maker(more))).toEqual(['SIGN_ON_REFUSED', 'no_email'])
    }
  })

  it('is a disabled user', async () => {
    const { person, user } = await signedOn()
    await app.admin.trpc.users.disable.mutate({ id: user.id })
    expect(await refusalOf(person)).toEqual(['SIGN_ON_REFUSED', 'disabled'])
  })

  it('but an invited user comes in by the address that was invited, and the link of the invitation is over', async () => {
    const { user, invitation } = await app.admin.trpc.users.create.mutate({
      ...{ email: 'invited@example.org', role: 'viewer' },
    })
    const { browser } = await signedOn(maker({ email: 'invited@example.org' }))
    expect(await me(browser)).toMatchObject({ id: user.id, role: 'operator' })
    const accept = { token: invitation!.token, password: 'seven purple lanterns' }
    const answer = await app.nobody.rest('POST', '/api/auth/accept-invitation', accept)
    expect(answer.error?.code).toBe('LINK_EXPIRED')
  })

  it('is who gave up at the provider, whose words nobody repeats', async () => {
    provider.person = null
    const page = await signOn()
    expect([page.status, page.body.includes('SIGN_ON_FAILED'), page.body.includes('they said no')]).toEqual([
      ...[401, true, false],
    ])
  })
})

describe('a way back that does not fit', () => {
  const failure = async (browser: Browser, back: string) => {
    const page = await browser.open(back)
    return [page.status, /[A-Z_]{8,}/.exec(page.body)?.[0], browser.cookie(SITE, ACCESS)]
  }
  const refused = [401, 'SIGN_ON_FAILED', undefined]
  afterEach(forgiven)

  it('in a browser that did not begin is refused', async () => {
    const back = await wayBack(browserOf())
    expect(await failure(browserOf(), back)).toEqual(refused)
  })

  it('with the state of another sign-on is refused', async () => {
    const [one, other] = [browserOf(), browserOf()]
    const back = await wayBack(one)
    await wayBack(other)
    expect(await failure(other, back)).toEqual(refused)
  })

  it('that came before is refused, also with its cookie', async () => {
    const browser = browserOf()
    const back = await wayBack(browser)
    const kept = browser.cookie(SITE, SIGN_ON)!
    expect((await browser.open(back)).status).toBe(200)
    const again = browserOf()
    again.cookies.set(SITE, new Map([[SIGN_ON, kept]]))
    expect(await failure(again, back)).toEqual(refused)
  })

  it('with a code that was used is refused', async () => {
    const [first, second] = [browserOf(), browserOf()]
    const used = new URL(await wayBack(first))
    expect((await first.open(used.href)).status).toBe(200)
    const back = new URL(await wayBack(second))
    back.searchParams.set('code', used.searchParams.get('code')!)
    expect(await failure(second, back.href)).toEqual(refused)
  })

  it.each([
    ['of another issuer', 'iss', 'https://evil.example'],
    ['with a code of nobody', 'code', 'x'.repeat(43)],
  ])('%s is refused', async (_title, name, value) => {
    const browser = browserOf()
    const back = new URL(await wayBack(browser))
    back.searchParams.set(name, value)
    expect(await failure(browser, back.href)).toEqual(refused)
  })

  it('with a changed cookie is refused', async () => {
    const browser = browserOf()
    const back = await wayBack(browser)
    const jar = browser.cookies.get(SITE)!
    jar.set(SIGN_ON, `${jar.get(SIGN_ON)!.slice(0, -2)}xx`)
    expect(await failure(browser, back)).toEqual(refused)
  })
})

describe('an ID token', () => {
  afterEach(forgiven)
  const nobodyIn = async (forge: NonNullable<TestIdentityProvider['forge']>) => {
    provider.forge = forge
    const browser = browserOf()
    expect(errorIn(await signOn(browser, '?return_to=/done'))).toEqual(['SIGN_ON_FAILED', 'invalid'])
    expect(browser.cookie(SITE, ACCESS)).toBeUndefined()
  }

  it('is believed as the provider signed it, when nothing is changed', async () => {
    provider.forge = (claims) => ({ claims })
    expect((await signOn()).status).toBe(200)
  })
  it('that another key signed is not', () => nobodyIn((claims) => ({ claims, withOtherKey: true })))
  it('with another nonce is not', () => nobodyIn((claims) => ({ claims: { ...claims, nonce: 'another' } })))
  it('for another client is not', () => nobodyIn((claims) => ({ claims: { ...claims, aud: 'another' } })))
  it('of another issuer is not', () => nobodyIn((claims) => ({ claims: { ...claims, iss: 'https://evil.example' } })))
  it('that has expired is not', () => nobodyIn((claims) => ({ claims: { ...claims, iat: 1, exp: 2 } })))
})

describe('the page at the end', () => {
  it.each(['/', '/board?tab=1#x', APP, `${APP}/board`, `${SITE}/board`])('may be %s', async (to) => {
    const page = await browserOf().open(`${START}?return_to=${encodeURIComponent(to)}`)
    expect(page.status).toBe(303)
  })

  it.each([
    ...['https://evil.example', '//evil.example', '/\\evil.example', '\\/evil.example', 'javascript:alert(1)'],
    ...['https://app.example.org.evil.example', 'https://app.example.org@evil.example', 'http://127.0.0.1:9/', ''],
    ...['https://user@app.example.org/', '/\t/evil.example', 'board', 'http:evil.example', `/${'x'.repeat(2_000)}`],
  ])('may not be %j', async (to) => {
    const page = await browserOf(app, 'application/json').open(`${START}?return_to=${encodeURIComponent(to)}`)
    expect([page.status, page.location]).toEqual([400, null])
    expect(page.body).toContain('VALIDATION_FAILED')
    expect(provider.requests).toEqual([])
  })
})

describe('an account', () => {
  it('links an identity with its password, signs on by it from then on, and unlinks it', async () => {
    const { user, caller, ticket } = await linking('linker@example.org')
    const wrong = { ...ticket, password: 'not this one' }
    const refused = await caller.call('mutation', 'identities.link', wrong)
    expect(refused.error?.code).toBe('INVALID_CREDENTIALS')
    const own = await caller.trpc.identities.link.mutate({ ...ticket, password: PASSWORD })
    expect(own).toMatchObject({ hasPassword: true, items: [{ subject: provider.person!.sub, lastUsedAt: null }] })
    const browser = browserOf()
    await signOn(browser, '?return_to=/done')
    expect(await me(browser)).toMatchObject({ email: 'linker@example.org' })
    const id = own.items[0]!.id
    const again = callerOf(app.url, await tokensOf('linker@example.org'))
    expect((await again.trpc.identities.unlink.mutate({ id, password: PASSWORD })).items).toEqual([])
    expect(await refusalOf({ ...provider.person!, email: 'linker@example.org' })).toEqual([
      ...['SIGN_ON_REFUSED', 'account_exists'],
    ])
    const types = await app.prisma.event.findMany({
      where: { subjectId: user.id, type: { startsWith: 'identity.' } },
      orderBy: { seq: 'asc' },
    })
    expect(types.map(({ type }) => type)).toEqual(['identity.linked', 'identity.unlinked'])
  })

  it('takes no identity that is another account’s, and no ticket that was given for something else or to another', async () => {
    const { person } = await signedOn()
    const { caller, ticket } = await linking('other@example.org', person)
    const taken = await caller.call('mutation', 'identities.link', { ...ticket, password: PASSWORD })
    expect([taken.error?.code, taken.error?.params]).toEqual(['SIGN_ON_REFUSED', { reason: 'identity_taken' }])
    const loginTicket = await nativeTicket('login')
    const link = await caller.call('mutation', 'identities.link', { ...loginTicket, password: PASSWORD })
    expect(link.error?.code).toBe('SIGN_ON_FAILED')
    const { ticket: mine } = await nativeTicket('login')
    const foreign = { ticket: mine, codeVerifier: randomBytes(32).toString('base64url') }
    expect((await app.nobody.call('mutation', 'auth.exchangeSignOn', foreign)).error?.code).toBe('SIGN_ON_FAILED')
  })

  it('without a password does what asks for one after a fresh sign-on alone, and never gets a password by itself', async () => {
    const { person, user } = await signedOn()
    const tokens = await app.nobody.trpc.auth.exchangeSignOn.mutate(await nativeTicket('login', person))
    const stale = callerOf(app.url, { Authorization: `Bearer ${tokens.accessToken}` })
    const key = { name: 'robot', scopes: ['printers.read'] }
    expect((await stale.call('mutation', 'apiKeys.create', key)).error?.code).toBe('SIGN_ON_REQUIRED')
    const fresh = await app.nobody.trpc.auth.exchangeSignOn.mutate(await nativeTicket('login', person, '&fresh=true'))
    const caller = callerOf(app.url, { Authorization: `Bearer ${fresh.accessToken}` })
    expect((await caller.call('mutation', 'apiKeys.create', key)).status).toBe(200)
    const change = { currentPassword: 'x', newPassword: 'seven purple lanterns' }
    expect((await caller.call('mutation', 'auth.changePassword', change)).error?.code).toBe('INVALID_STATE')
    const [identity] = (await caller.trpc.identities.list.query()).items
    expect((await caller.call('mutation', 'identities.unlink', { id: identity!.id })).error?.code).toBe('INVALID_STATE')
    await app.nobody.trpc.auth.requestPasswordReset.mutate({ email: user.email })
    expect(await app.prisma.passwordToken.count({ where: { userId: user.id } })).toBe(0)
  })

  it('loses its identity by an admin, who ends its sessions with it', async () => {
    const { browser, user } = await signedOn()
    const [identity] = (await app.admin.trpc.users.identities.query({ id: user.id })).items
    await app.admin.trpc.users.unlinkIdentity.mutate({ id: user.id, identityId: identity!.id })
    expect(await me(browser)).toMatchObject({ error: { code: 'UNAUTHENTICATED' } })
  })
})

describe('a client without cookies', () => {
  it('gets a ticket at its own page, which it changes into tokens once', async () => {
    const ticket = await nativeTicket('login')
    const { user, accessToken } = await app.nobody.trpc.auth.exchangeSignOn.mutate(ticket)
    expect(user).toMatchObject({ email: provider.person!.email, role: 'operator' })
    const caller = callerOf(app.url, { Authorization: `Bearer ${accessToken}` })
    expect(await caller.trpc.auth.me.query()).toMatchObject({ id: user.id })
    const again = await app.nobody.call('mutation', 'auth.exchangeSignOn', ticket)
    expect([again.status, again.error?.code]).toEqual([401, 'SIGN_ON_FAILED'])
  })

  it('is told at the exchange that somebody has no role', async () => {
    const ticket = await nativeTicket('login', maker({ groups: [] }))
    const refused = await app.nobody.call('mutation', 'auth.exchangeSignOn', ticket)
    expect([refused.status, refused.error?.params]).toEqual([403, { reason: 'no_role' }])
  })

  it('has a minute for it', async () => {
    const ticket = await nativeTicket('login')
    await app.prisma.$executeRaw`update sign_on set ticket_expires_at = ticket_expires_at - interval '60 seconds'`
    expect((await app.nobody.call('mutation', 'auth.exchangeSignOn', ticket)).error?.code).toBe('SIGN_ON_FAILED')
  })
})

describe('a provider that', () => {
  const fresh = () => startAppUnderTest({ ...settings(), GANTRY_ROLES: 'api' })
  const outcome = async (of: AppUnderTest) => {
    const page = await browserOf(of, 'application/json').open(START)
    const { error } = JSON.parse(page.body) as { error: { code: string; params: unknown; retryable: boolean } }
    return [page.status, error.code, error.params, error.retryable]
  }
  const away = [503, 'UNAVAILABLE', { reason: 'identity_provider' }, true]

  it.each(['away', 'nonsense'] as const)(
    'is %s lets Gantry start and passwords log in, and is asked again',
    async (state) => {
      provider.state = state
      // That the admin has logged in is part of it.
      await using of = await fresh()
      expect(await outcome(of)).toEqual(away)
      provider.state = 'well'
      await expect.poll(async () => (await browserOf(of).open(START)).status, { timeout: 8_000 }).toBe(303)
    },
  )

  it('hangs is given up after five seconds', async () => {
    provider.state = 'hangs'
    await using of = await fresh()
    const began = performance.now()
    expect(await outcome(of)).toEqual(away)
    expect(performance.now() - began).toBeLessThan(8_000)
  }, 30_000)

  it('goes away in the middle is no fault of whoever signs on', async () => {
    const browser = browserOf()
    const back = await wayBack(browser, '?return_to=/done')
    provider.state = 'away'
    expect(errorIn(await browser.open(back))).toEqual(['UNAVAILABLE', 'identity_provider'])
  })
})

describe('the log and the audit log', () => {
  it('tell who signed on and who was refused, and hold nothing secret', async () => {
    const person = maker()
    const stranger = maker({ groups: [] })
    const secrets: string[] = [CLIENT_SECRET]
    const entries = await entriesOf(app, async () => {
      provider.person = person
      const browser = browserOf()
      const back = await wayBack(browser, '?return_to=/done')
      secrets.push(new URL(back).searchParams.get('code')!, new URL(back).searchParams.get('state')!)
      secrets.push(browser.cookie(SITE, SIGN_ON)!)
      await browser.open(back)
      secrets.push(browser.cookie(SITE, ACCESS)!)
      await refusalOf(stranger)
      const ticket = await nativeTicket('login', person)
      secrets.push(ticket.ticket, ticket.codeVerifier)
      await app.nobody.trpc.auth.exchangeSignOn.mutate(ticket)
      // Refusals are gathered for two seconds.
      await expect
        .poll(() => app.prisma.auditEntry.count({ where: { actorName: stranger.email! } }), { timeout: 10_000 })
        .toBe(1)
    })
    const { id } = await userOf(person.email!)
    expect(entries.map(({ action, outcome, actorId, errorCode }) => ({ action, outcome, actorId, errorCode }))).toEqual(
      expect.arrayContaining([
        { action: 'GET /api/auth/sso/callback', outcome: 'done', actorId: id, errorCode: null },
        { action: 'auth.exchangeSignOn', outcome: 'done', actorId: id, errorCode: null },
        { action: 'GET /api/auth/sso/callback', outcome: 'refused', actorId: null, errorCode: 'SIGN_ON_REFUSED' },
      ]) as unknown[],
    )
    const done = entries.find(({ outcome }) => outcome === 'done')!
    expect(done.events.map(({ type }) => type)).toEqual(['user.created', 'identity.linked', 'session.started'])
    const texts = [...app.logLines, JSON.stringify(entries)].join('\n')
    for (const secret of secrets) expect(texts).not.toContain(secret)
  }, 30_000)
})

describe('wrong ways back', () => {
  it('are limited as logins are', async () => {
    await using of = await startAppUnderTest({ ...settings(), GANTRY_ROLES: 'api' })
    const answers: number[] = []
    for (let time = 0; time < 6; time += 1)
      answers.push((await browserOf(of).open(`${CALLBACK}?state=x&code=y`)).status)
    // Without Redis every process counts by half of the limits.
    expect(answers).toEqual([401, 401, 401, 401, 401, 429])
  })
})

/** Whoever proves who they are ends the count of their wrong ways back. */
async function forgiven() {
  Object.assign(provider, { person: maker(), forge: null })
  await signOn()
}

/** A ticket for a client that has no cookies, with its verifier. */
async function nativeTicket(purpose: 'login' | 'link', person = maker(), more = '') {
  provider.person = person
  const codeVerifier = randomBytes(32).toString('base64url')
  const challenge = createHash('sha256').update(codeVerifier).digest('base64url')
  const returnTo = encodeURIComponent('http://127.0.0.1:7777/back')
  const query = `?return_to=${returnTo}&code_challenge=${challenge}&code_challenge_method=S256&purpose=${purpose}${more}`
  const page = await signOn(browserOf(), query)
  const ticket = new URL(page.location!).searchParams.get('sso_ticket')
  if (ticket === null) throw new Error(`no ticket: ${page.location ?? page.body}`)
  return { ticket, codeVerifier }
}

async function tokensOf(email: string) {
  const { accessToken } = await app.nobody.trpc.auth.login.mutate({ email, password: PASSWORD })
  return { Authorization: `Bearer ${accessToken}` }
}

/** Somebody who is logged in with a password, and a ticket to link an identity with. */
async function linking(email: string, person = maker()) {
  if ((await app.prisma.user.count({ where: { email } })) === 0) {
    await app.admin.trpc.users.create.mutate({ email, role: 'operator', password: PASSWORD })
  }
  const caller = callerOf(app.url, await tokensOf(email))
  return { caller, ticket: await nativeTicket('link', person), user: await userOf(email) }
}

/** An account that has signed on by an identity which was linked to it. */
async function linked(email: string, more: Partial<Person>) {
  const user = maker({ email, ...more })
  const { caller, ticket } = await linking(email, user)
  await caller.trpc.identities.link.mutate({ ...ticket, password: PASSWORD })
  return { user }
}
