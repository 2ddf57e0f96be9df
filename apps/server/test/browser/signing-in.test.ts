import type { CreatedUser } from '@gantry/schemas'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'

import { createUser } from '../../src/testing/app-under-test.js'
import {
  ADMIN,
  fieldOf,
  fillIn,
  GOOD,
  INSTALL_MS,
  openBrowserHouse,
  saidOf,
  SLOW,
  type BrowserHouse,
} from './browser-house.js'
import { PLAIN_HOST } from './test-browser.js'

let house: BrowserHouse

beforeAll(async () => {
  house = await openBrowserHouse()
}, INSTALL_MS)
afterAll(() => house[Symbol.asyncDispose]())
afterEach(async () => {
  expect(await house.tidy()).toEqual([])
})

describe('whoever is not signed in', SLOW, () => {
  it('is led from a page to where one signs in, and back, with the session in cookies that no script sees', async () => {
    const page = await house.open('/account')
    await page.waitForURL('**/account/sign-in?returnTo=%2Faccount')
    await expect.poll(() => page.evaluate('document.activeElement.name')).toBe('email')
    await fillIn(page, ADMIN)
    await page.waitForURL(`${house.app.url}/account`)
    await page.getByRole('definition').filter({ hasText: ADMIN }).waitFor()
    const cookies = await page.context().cookies()
    expect(cookies.map(({ name, httpOnly, secure, sameSite }) => [name, httpOnly, secure, sameSite]).sort()).toEqual([
      ['__Host-gantry-access', true, true, 'Strict'],
      ['__Host-gantry-refresh', true, true, 'Strict'],
    ])
    expect(await page.evaluate('[document.cookie, localStorage.length, sessionStorage.length].join()')).toBe(',0,0')
  })

  it('is told beside the field what is missing or wrong', async () => {
    const page = await house.open('/account/sign-in')
    const [email, password] = [fieldOf(page, 'E-mail'), fieldOf(page, 'Password')]
    await page.getByRole('button', { name: 'Sign in' }).click()
    await expect.poll(() => saidOf(email)).toBe('E-mail is missing.')
    expect([await saidOf(password), await email.getAttribute('aria-invalid')]).toEqual(['Password is missing.', 'true'])
    await fillIn(page, 'no address')
    await expect.poll(() => saidOf(email)).toMatch(/^Invalid email/)
    await fillIn(page, ADMIN, 'not the password')
    await expect.poll(() => saidOf(password)).toBe('E-mail address or password is wrong.')
    expect([await saidOf(email), await email.getAttribute('aria-invalid')]).toEqual(['', null])
    await expect.poll(() => page.evaluate('document.activeElement.name')).toBe('password')
    await page.getByRole('button', { name: 'Show: Password' }).click()
    expect(await password.getAttribute('type')).toBe('text')
  })

  it('may sign on elsewhere, comes back to where they wanted to, and is told what went wrong there', async () => {
    const page = await house.open('/account')
    const link = page.getByRole('link', { name: 'Sign in with the lab' })
    const href = new URL((await link.getAttribute('href')) ?? '')
    expect(href.pathname).toBe('/api/auth/sso')
    expect(href.searchParams.get('return_to')).toBe('/account/sign-in?returnTo=%2Faccount&signedOn=')
    await page.goto(`${house.app.url}/account/sign-in?returnTo=%2Faccount&signedOn=&sso_error=SIGN_ON_REFUSED`)
    await page.getByRole('alert').filter({ hasText: 'may not come in here' }).waitFor()
    await house.signedIn(ADMIN, page.context())
    await page.goto(`${house.app.url}/account/sign-in?returnTo=%2Faccount&signedOn=`)
    await page.waitForURL(`${house.app.url}/account`)
  })

  it('is led to no other server, whatever the address asks for', async () => {
    const context = await house.person()
    await house.signedIn(await createUser(house.app.prisma, 'viewer'), context)
    const foreign = ['https://evil.example', '//evil.example', '/\\evil.example', '/\t/evil.example']
    for (const returnTo of [...foreign, 'javascript:alert(1)', 'account', '/account/sign-in?returnTo=//evil.example']) {
      const page = await house.open(`/account/sign-in?returnTo=${encodeURIComponent(returnTo)}`, context)
      await page.getByRole('heading', { name: 'Your account' }).waitFor()
      expect(page.url()).toBe(`${house.app.url}/account`)
      await page.close()
    }
    const page = await house.open(`/account/sign-in?returnTo=${encodeURIComponent('/.//evil.example/')}`, context)
    await fillIn(page, ADMIN)
    await page.waitForURL((url) => url.pathname !== '/account/sign-in')
    expect(new URL(page.url()).origin).toBe(house.app.url)
  })

  it('sees the queues after signing in as an admin, and whoever may not is told so; scripts get what they got', async () => {
    const page = await house.open('/account/sign-in')
    await fillIn(page, ADMIN)
    await page.waitForURL(`${house.app.url}/admin/queues`)
    await page.getByRole('rowheader', { name: 'email-notification' }).waitFor()
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.waitForURL('**/account/sign-in?returnTo=%2Fadmin%2Fqueues')
    expect(await page.context().cookies()).toEqual([])
    await fillIn(page, await createUser(house.app.prisma, 'viewer'))
    await page.getByText('This needs the permission jobs.read.').waitFor()
    const answer = await fetch(`${house.app.url}/api/admin/queues`, { redirect: 'manual' })
    expect([answer.status, await answer.json()]).toMatchObject([401, { error: { code: 'UNAUTHENTICATED' } }])
  })

  it('signs in on the page itself over plain HTTP, where browsers keep no cookies, and stays until it is left', async () => {
    const plain = house.app.url.replace('127.0.0.1', PLAIN_HOST)
    const page = await (await house.person()).newPage()
    await page.goto(`${plain}/account/sign-in?returnTo=/admin/queues`)
    await page.waitForURL(`${plain}/admin/queues`)
    await page.getByText('This address is not encrypted').waitFor()
    await fillIn(page, ADMIN)
    await page.getByRole('rowheader', { name: 'email-notification' }).waitFor()
    expect(await page.context().cookies()).toEqual([])
    await page.reload()
    await fieldOf(page, 'E-mail').waitFor()
    expect(await page.evaluate('[document.cookie, localStorage.length, sessionStorage.length].join()')).toBe(',0,0')
  })
})

describe('the link of an invitation', SLOW, () => {
  it('sets the first password once; its token stays out of the address, the log and everything that is sent by GET', async () => {
    const email = 'grace.hopper@example.org'
    await house.app.admin.trpc.users.create.mutate({ email, role: 'viewer' })
    const link = await house.linkTo(email)
    const token = link.slice(link.indexOf('=') + 1)
    const context = await house.person()
    const page = await context.newPage()
    const asked: string[] = []
    page.on('request', (request) => asked.push(`${request.method()} ${request.url()}`))
    await page.goto(house.app.url + link)
    const password = fieldOf(page, 'New password')
    await page.getByRole('heading', { name: 'Welcome to Gantry' }).waitFor()
    expect(page.url()).toBe(`${house.app.url}/account/password`)

    const refusals = [
      ['short', 'it needs at least 8 characters'],
      ['grace.hopper!', 'it contains your e-mail address'],
      ['password123', 'it is among those that are tried first'],
      ['x'.repeat(129), 'it may have at most 128 characters'],
    ]
    for (const [text = '', reason = ''] of refusals) {
      await password.fill(text)
      await page.keyboard.press('Enter')
      await expect.poll(() => saidOf(password)).toContain(`The password cannot be used: ${reason}`)
    }
    await password.fill(GOOD)
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Your password is set' }).waitFor()
    await page.getByRole('link', { name: 'sign in' }).click()
    await page.waitForURL('**/account/sign-in')
    await fillIn(page, email, GOOD)
    await page.waitForURL(`${house.app.url}/account`)

    const again = await house.open(link, context)
    await fieldOf(again, 'New password').fill(GOOD)
    await again.keyboard.press('Enter')
    await again.getByRole('heading', { name: 'This link is no longer valid' }).waitFor()
    await again.getByText('ask whoever invited you').waitFor()
    expect(asked.filter((request) => request.includes(token))).toEqual([])
    expect(house.app.logLines.filter((line) => line.includes('/account/password')).length).toBeGreaterThan(0)
    expect(house.app.logLines.filter((line) => line.includes(token))).toEqual([])
  })

  it('that came without its end is asked for again, and one that is opened over the page is taken', async () => {
    const page = await house.open('/account/password')
    await page.getByText('This page needs the link of a mail.').waitFor()
    await page.evaluate(`location.hash = 'reset=${'a'.repeat(43)}'`)
    await page.getByRole('heading', { name: 'Choose a new password' }).waitFor()
    await page.evaluate(`location.hash = 'invitation=short'`)
    await page.getByRole('heading', { name: 'Welcome to Gantry' }).waitFor()
    await fieldOf(page, 'New password').fill(GOOD)
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'This link is no longer valid' }).waitFor()
  })
})

describe('a forgotten password', SLOW, () => {
  it('is answered alike for known and unknown addresses, and replaced by the link of the mail', async () => {
    const email = await createUser(house.app.prisma, 'operator')
    const said: string[] = []
    for (const address of ['nobody@example.org', email]) {
      const page = await house.open('/account/sign-in')
      await page.getByRole('link', { name: 'Password forgotten?' }).click()
      await fieldOf(page, 'E-mail').fill(address)
      await page.keyboard.press('Enter')
      await page.getByRole('status').waitFor()
      said.push(await page.locator('main').innerText())
    }
    expect(said[0]).toBe(said[1])
    expect(said[0]).toContain('If this address has an account here')
    const page = await house.open(await house.linkTo(email))
    await fieldOf(page, 'New password').fill(GOOD)
    await page.keyboard.press('Enter')
    await page.getByRole('link', { name: 'sign in' }).click()
    await fillIn(page, email, GOOD)
    await page.waitForURL(`${house.app.url}/account`)
    expect(house.mail.mails.filter(({ to }) => to.includes('nobody@example.org'))).toEqual([])
  })
})

it('a whole user made by an admin reaches the account with nothing but the mail', SLOW, async () => {
  const email = 'margaret@example.org'
  const created = (await house.app.admin.rest('POST', '/api/users', { email, role: 'admin' })).body as CreatedUser
  expect(created.invitation).toMatchObject({ isMailed: true, token: null })
  const page = await house.open(await house.linkTo(email))
  await fieldOf(page, 'New password').fill(GOOD)
  await page.keyboard.press('Enter')
  await page.getByRole('link', { name: 'sign in' }).click()
  await fillIn(page, email, GOOD)
  await page.waitForURL(`${house.app.url}/admin/queues`)
})
