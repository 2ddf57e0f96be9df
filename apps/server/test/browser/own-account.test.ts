import { setTimeout as pause } from 'node:timers/promises'

import { Secret, TOTP } from 'otpauth'
import type { Locator } from 'playwright-core'
import { decodeQR } from 'qr/decode.js'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'

import { createUser, PASSWORD } from '../../src/testing/app-under-test.js'
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

let house: BrowserHouse

beforeAll(async () => {
  house = await openBrowserHouse()
}, INSTALL_MS)
afterAll(() => house[Symbol.asyncDispose]())
afterEach(async () => {
  expect(await house.tidy()).toEqual([])
})

describe('one’s own account', SLOW, () => {
  it('shows who one is, as text whatever it is', async () => {
    const email = await createUser(house.app.prisma, 'operator')
    const displayName = '<img src=x onerror="document.title=1"><b>Ada</b>'
    await house.app.prisma.user.update({ where: { email }, data: { displayName } })
    const context = await house.person({ userAgent: '<script>document.title=1</script>' })
    const page = await house.signedIn(email, context)
    expect(await page.getByRole('definition').allTextContents()).toEqual([displayName, email, 'Operator'])
    expect(await page.locator('#sessions strong').textContent()).toBe('<script>document.title=1</script>')
    expect(await page.title()).toBe('Gantry: your account')
  })

  it('has its password changed, which ends the other sessions', async () => {
    const email = await createUser(house.app.prisma, 'viewer')
    const other = await house.signedIn(email)
    const page = await house.signedIn(email)
    await expect.poll(() => page.locator('#sessions li').count()).toBe(2)
    const [present, next] = [fieldOf(page, 'Present password'), fieldOf(page, 'New password')]
    await present.fill('not the password')
    await next.fill(GOOD)
    await page.keyboard.press('Enter')
    await expect.poll(() => saidOf(present)).toBe('This password is wrong.')
    await present.fill(PASSWORD)
    await next.fill('short')
    await page.keyboard.press('Enter')
    await expect.poll(() => saidOf(next)).toContain('at least 8 characters')
    await next.fill(GOOD)
    await page.keyboard.press('Enter')
    await page.getByText('Your password is changed').waitFor()
    await expect.poll(() => page.locator('#sessions li').count()).toBe(1)
    await other.reload()
    await other.waitForURL('**/account/sign-in**')
  })

  it('has its sessions ended, one or all others', async () => {
    const email = await createUser(house.app.prisma, 'viewer')
    const [first, second] = [await house.signedIn(email), await house.signedIn(email)]
    const page = await house.signedIn(email)
    await expect.poll(() => page.locator('#sessions li').count()).toBe(3)
    await page.getByRole('button', { name: 'End: Chrome on Linux' }).first().click()
    await expect.poll(() => page.locator('#sessions li').count()).toBe(2)
    await page.getByRole('button', { name: 'End all others' }).click()
    await expect.poll(() => page.locator('#sessions li').count()).toBe(1)
    expect(await page.locator('#sessions li').innerText()).toContain('this one')
    for (const ended of [first, second]) {
      await ended.getByText('Set it up').click()
      await fieldOf(ended.locator('#factor'), 'Password').fill(PASSWORD)
      await ended.keyboard.press('Enter')
      await ended.waitForURL('**/account/sign-in?returnTo=%2Faccount')
    }
  })

  it('is renewed once when several tabs find at the same moment that it must be', async () => {
    const email = await createUser(house.app.prisma, 'viewer')
    const context = await house.person()
    const pages = [
      await house.signedIn(email, context),
      await house.open('/account', context),
      await house.open('/account', context),
    ]
    let renewals = 0
    await context.route('**/api/auth/browser-session/renew', async (route) => {
      renewals += 1
      // Long enough that all of them want it meanwhile.
      await pause(3_000)
      await route.continue()
    })
    await context.clearCookies({ name: '__Host-gantry-access' })
    await Promise.all(pages.map((page) => page.reload()))
    for (const page of pages) {
      await page.getByText('this one').waitFor()
      expect(page.url()).toBe(`${house.app.url}/account`)
    }
    expect(renewals).toBe(1)
    expect(await house.app.prisma.session.count({ where: { user: { email }, revokedAt: null } })).toBe(1)
  })
})

/** What a phone reads: the picture is drawn larger and without a soft edge, and nothing else is told. */
const readQr = async (svg: Locator): Promise<string> => {
  const size = Number((await svg.getAttribute('viewBox'))?.split(' ')[2])
  const path = (await svg.locator('path').getAttribute('d')) ?? ''
  const scale = 4
  const side = size * scale
  const data = new Uint8Array(side * side * 4).fill(255)
  for (const [, x, y] of path.matchAll(/M(\d+) (\d+)h1v1h-1z/g))
    for (let at = 0; at < scale * scale; at += 1) {
      const pixel = (Number(y) * scale + Math.floor(at / scale)) * side + Number(x) * scale + (at % scale)
      data.fill(0, pixel * 4, pixel * 4 + 3)
    }
  return decodeQR({ width: side, height: side, data })
}

describe('a second factor', SLOW, () => {
  it('is set up by a picture that an app reads, asked for when signing in, and removed', async () => {
    const email = await createUser(house.app.prisma, 'viewer')
    const page = await house.signedIn(email)
    const factor = page.locator('#factor')
    await factor.getByText('Set it up').click()
    await fieldOf(factor, 'Password').fill('not the password')
    await page.keyboard.press('Enter')
    await expect.poll(() => saidOf(fieldOf(factor, 'Password'))).toBe('This password is wrong.')
    await fieldOf(factor, 'Password').fill(PASSWORD)
    await page.keyboard.press('Enter')
    const picture = page.getByRole('img', { name: 'QR code' })
    await picture.waitFor()
    const uri = new URL(await readQr(picture))
    expect(uri.protocol).toBe('otpauth:')
    expect(decodeURIComponent(uri.pathname)).toContain(email)
    const secret = uri.searchParams.get('secret') ?? ''
    expect((await factor.locator('.secret-key').innerText()).replaceAll(' ', '')).toBe(secret)

    const code = factor.getByLabel('Code', { exact: true })
    await code.fill('000000')
    await page.keyboard.press('Enter')
    await expect.poll(() => saidOf(code)).toContain('This code is wrong')
    await code.fill(new TOTP({ secret: Secret.fromBase32(secret) }).generate())
    await page.keyboard.press('Enter')
    await factor.getByRole('heading', { name: 'Your recovery codes' }).waitFor()
    const codes = await factor.getByRole('listitem').allInnerTexts()
    expect(codes).toHaveLength(10)
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
    await factor.getByRole('button', { name: 'Copy' }).click()
    await factor.getByRole('button', { name: 'Copied' }).waitFor()
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe(codes.join('\n'))
    await factor.getByRole('button', { name: 'I have kept them' }).click()
    await factor.getByText('Recovery codes left: 10').waitFor()

    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.waitForURL('**/account/sign-in**')
    await fillIn(page, email)
    await page.getByLabel('Code', { exact: true }).fill('123 456')
    await page.keyboard.press('Enter')
    await expect
      .poll(() => saidOf(page.getByLabel('Code', { exact: true })))
      .toBe('This code is wrong, or was used already.')
    await page.getByLabel('Code', { exact: true }).fill(codes[0] ?? '')
    await page.keyboard.press('Enter')
    await factor.getByText('Recovery codes left: 9').waitFor()

    await factor.getByText('Remove the second factor').click()
    const removal = factor.locator('details', { hasText: 'Remove the second factor' })
    await fieldOf(removal, 'Password').fill(PASSWORD)
    await removal.getByLabel('Code', { exact: true }).fill(codes[1] ?? '')
    await removal.getByRole('button', { name: 'Remove' }).click()
    await factor.getByText('It is off.').waitFor()
  })
})

describe('every page', SLOW, () => {
  it.each(['/account/sign-in', '/account/password', '/account/forgot', '/account', '/admin/queues'])(
    'fits a narrow phone, names each of its fields and can be used by keyboard: %s',
    async (path) => {
      const context = await house.person({ viewport: { width: 320, height: 640 }, colorScheme: 'dark' })
      if (['/account', '/admin/queues'].includes(path)) await house.signedIn(ADMIN, context)
      const page = await house.open(path, context)
      await page.locator('main :is(input, a, button):visible').first().waitFor()
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(320)
      expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe('rgb(18, 22, 28)')
      const unnamed = `[...document.querySelectorAll('input:not([hidden]), select')].filter((field) => !field.labels.length).length`
      expect(await page.evaluate(unnamed)).toBe(0)
      const reached = new Set<unknown>()
      for (let step = 0; step < 12; step += 1) {
        await page.keyboard.press('Tab')
        reached.add(await page.evaluate('document.activeElement.outerHTML'))
      }
      expect(reached.size).toBeGreaterThanOrEqual(path === '/account/password' ? 1 : 2)
    },
  )
})
