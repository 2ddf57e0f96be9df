import { expect } from 'vitest'
import type { BrowserContext, BrowserContextOptions, Locator, Page } from 'playwright-core'

import { PASSWORD, startAppUnderTest, type AppUnderTest } from '../../src/testing/app-under-test.js'
import { startMailServer, type MailServer } from '../../src/testing/mail-server.js'
import { openTestBrowser } from './test-browser.js'

export const ADMIN = 'admin@example.org'
/** One that may be chosen. */
export const GOOD = 'seven purple lanterns'
/** For the browser, which may have to be installed. */
export const INSTALL_MS = 300_000
/** A browser does much for each step, and machines have much else to do. */
export const SLOW = { timeout: 120_000 }
const PUBLIC_URL = 'https://gantry.example.org'

/** A server that sends mails, and people with browsers. */
export interface BrowserHouse extends AsyncDisposable {
  app: AppUnderTest
  mail: MailServer
  person: (options?: BrowserContextOptions) => Promise<BrowserContext>
  /** In the browser of somebody new, unless somebody is named. */
  open: (path: string, context?: BrowserContext) => Promise<Page>
  /** At their own account. */
  signedIn: (email: string, context?: BrowserContext) => Promise<Page>
  /** The link of the only mail to this address, as a path at the server. */
  linkTo: (email: string) => Promise<string>
  /** Closes what has been opened. @returns what pages have done wrong since */
  tidy: () => Promise<string[]>
}

export const openBrowserHouse = async (): Promise<BrowserHouse> => {
  const browser = await openTestBrowser()
  const mail = await startMailServer()
  const app = await startAppUnderTest({
    ...{ SMTP_URL: mail.url, MAIL_FROM: 'Farm <farm@example.org>', PUBLIC_URL },
    // Nobody asks it before somebody signs on there.
    ...{ OIDC_ISSUER: 'https://sso.example.org', OIDC_CLIENT_ID: 'gantry', OIDC_NAME: 'the lab' },
  })
  const open: BrowserHouse['open'] = async (path, context) => {
    const page = await (context ?? (await browser.person())).newPage()
    await page.goto(app.url + path)
    return page
  }
  const linkTo = async (email: string) => {
    const mails = () => mail.mails.filter(({ to }) => to.includes(email))
    await expect.poll(mails, { timeout: 20_000 }).toHaveLength(1)
    const link = /Link: (\S+)/.exec(mails()[0]?.parsed.text ?? '')?.[1] ?? ''
    expect(link).toMatch(new RegExp(`^${PUBLIC_URL}/account/password#(invitation|reset)=[\\w-]{43}$`))
    return link.slice(PUBLIC_URL.length)
  }
  const signedIn: BrowserHouse['signedIn'] = async (email, context) => {
    const page = await open('/account/sign-in?returnTo=/account', context)
    await fillIn(page, email)
    await page.getByText('this one').waitFor()
    return page
  }
  return {
    ...{ app, mail, open, linkTo, signedIn, person: browser.person, tidy: browser.tidy },
    [Symbol.asyncDispose]: async () => {
      await browser[Symbol.asyncDispose]()
      await app[Symbol.asyncDispose]()
      await mail[Symbol.asyncDispose]()
    },
  }
}

/** A field by the whole of its label, and not the button that shows what is in it. */
export const fieldOf = (place: Page | Locator, label: string): Locator => place.getByLabel(label, { exact: true })

export const fillIn = async (page: Page, email: string, password = PASSWORD): Promise<void> => {
  await fieldOf(page, 'E-mail').fill(email)
  await fieldOf(page, 'Password').fill(password)
  await page.keyboard.press('Enter')
}

/** What is said to be wrong with the field; a screen reader reads it with the field. */
export const saidOf = async (field: Locator): Promise<string> => {
  const ids = (await field.getAttribute('aria-describedby'))?.split(' ') ?? []
  return (
    (await field
      .page()
      .locator(`[id="${ids.at(-1) ?? ''}"]`)
      .textContent()) ?? ''
  )
}
