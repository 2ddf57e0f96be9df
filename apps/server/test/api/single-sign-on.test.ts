import { randomBytes } from 'node:crypto'

import { describe, expect, it } from 'vitest'

import { callerOf, PASSWORD, startAppUnderTest } from '../../src/testing/app-under-test.js'
import { entriesOf } from '../../src/testing/audit-log.js'
import { CLIENT_SECRET } from '../../src/testing/identity-provider.js'
import {
  ACCESS,
  ADMIN_EMAIL,
  app,
  browserOf,
  CALLBACK,
  linked,
  linking,
  maker,
  me,
  nativeTicket,
  onStage,
  provider,
  settings,
  refusalOf,
  SIGN_ON,
  signedOn,
  signOn,
  SITE,
  START,
  tokensOf,
  userOf,
  wayBack,
} from './sign-on-stage.js'

onStage()

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
      /^__Host-gantry-sign-on=[^;]+; Max-Age=(?:600|5\d\d); Path=\/; HttpOnly; Secure; SameSite=Lax$/,
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
