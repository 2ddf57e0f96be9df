import { createHash, randomBytes } from 'node:crypto'

import { afterAll, beforeAll, beforeEach } from 'vitest'

import { callerOf, PASSWORD, startAppUnderTest, type AppUnderTest } from '../../src/testing/app-under-test.js'
import { Browser, type Page } from '../../src/testing/browser.js'
import { startIdentityProvider, type Person, type TestIdentityProvider } from '../../src/testing/identity-provider.js'

export const SITE = 'https://gantry.test'
export const APP = 'https://app.example.org'
export const START = `${SITE}/api/auth/sso`
export const CALLBACK = `${START}/callback`
export const [ACCESS, SIGN_ON] = ['__Host-gantry-access', '__Host-gantry-sign-on']
export const SECRET_KEY = randomBytes(32).toString('base64')
export const ADMIN_EMAIL = 'admin@example.org'

export let provider: TestIdentityProvider
export let app: AppUnderTest

export const settings = () => ({
  ...provider.settings,
  ...{ GANTRY_ROLES: 'api,worker', GANTRY_SECRET_KEY: SECRET_KEY, CORS_ORIGINS: APP, OIDC_NAME: 'The lab' },
  OIDC_ROLES: 'gantry-admins=admin,makers=operator,cleaners=Bed cleaner,gone=No such role',
})

/** Before and after the tests of a file: a provider, and a server that knows it. */
export const onStage = (): void => {
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
}

let count = 0
export const maker = (more: Partial<Person> = {}): Person => {
  const name = `maker${(count += 1)}`
  return {
    ...{ sub: `sub-of-${name}`, email: `${name}@example.org`, email_verified: true },
    ...{ name: `Maker ${count}`, groups: ['makers'], ...more },
  }
}

export const browserOf = (of = app, accept?: string) => new Browser({ [SITE]: of.url }, accept)

/** As far as the callback's answer; what comes then is not ours. */
export const signOn = (browser = browserOf(), query = '') =>
  browser.follow(START + query, (url) => !url.startsWith(provider.issuer) && !url.startsWith(CALLBACK))

/** As far as before the way back. */
export const wayBack = async (browser: Browser, query = ''): Promise<string> =>
  (await browser.follow(START + query, (url) => url.startsWith(CALLBACK))).location!

export const me = async (browser: Browser, of = app) => {
  const response = await fetch(`${of.url}/api/auth/me`, {
    headers: { Cookie: browser.header(SITE), 'X-Gantry-Session': 'cookie' },
  })
  return (await response.json()) as Record<string, unknown>
}

export const errorIn = ({ location }: Page): (string | null)[] => {
  const { searchParams } = new URL(location ?? 'about:blank')
  return [searchParams.get('sso_error'), searchParams.get('sso_reason')]
}

/** What somebody is told who signs on as this person. */
export const refusalOf = async (person: Person, query = '?return_to=/done') => {
  provider.person = person
  return errorIn(await signOn(browserOf(), query))
}

export const userOf = (email: string) => app.prisma.user.findUniqueOrThrow({ where: { email } })

/** The user of somebody who has signed on. */
export const signedOn = async (person = maker()) => {
  provider.person = person
  const browser = browserOf()
  await signOn(browser, '?return_to=/done')
  return { person, browser, user: await userOf(person.email!) }
}

/** Whoever proves who they are ends the count of their wrong ways back. */
export async function forgiven() {
  Object.assign(provider, { person: maker(), forge: null })
  await signOn()
}

/** A ticket for a client that has no cookies, with its verifier. */
export async function nativeTicket(purpose: 'login' | 'link', person = maker(), more = '') {
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

export async function tokensOf(email: string) {
  const { accessToken } = await app.nobody.trpc.auth.login.mutate({ email, password: PASSWORD })
  return { Authorization: `Bearer ${accessToken}` }
}

/** Somebody who is logged in with a password, and a ticket to link an identity with. */
export async function linking(email: string, person = maker()) {
  if ((await app.prisma.user.count({ where: { email } })) === 0) {
    await app.admin.trpc.users.create.mutate({ email, role: 'operator', password: PASSWORD })
  }
  const caller = callerOf(app.url, await tokensOf(email))
  return { caller, ticket: await nativeTicket('link', person), user: await userOf(email) }
}

/** An account that has signed on by an identity which was linked to it. */
export async function linked(email: string, more: Partial<Person>) {
  const user = maker({ email, ...more })
  const { caller, ticket } = await linking(email, user)
  await caller.trpc.identities.link.mutate({ ...ticket, password: PASSWORD })
  return { user }
}
