import { chromium, type BrowserContext, type BrowserContextOptions, type Page } from 'playwright-core'

import { ensureChromium } from '../../processes/chromium.js'

/** A name of this machine to which browsers keep no secure cookies, as to one in a local network. */
export const PLAIN_HOST = 'farm.test'

export interface TestBrowser extends AsyncDisposable {
  /** A person's browser: with cookies of its own. */
  person: (options?: BrowserContextOptions) => Promise<BrowserContext>
  /**
   * Closes what has been opened.
   * @returns what pages have done wrong since: scripts that failed, and whatever the policy kept from loading
   */
  tidy: () => Promise<string[]>
}

/** Answers that are errors, and a header that is for TLS. */
const EXPECTED = ['Failed to load resource', 'The Cross-Origin-Opener-Policy header has been ignored']
const STEP_MS = 30_000

/** A browser without a window. @throws Error telling what to do where there is none and none can be installed */
export const openTestBrowser = async (): Promise<TestBrowser> => {
  const browser = await chromium.launch({
    executablePath: await ensureChromium(),
    args: [`--host-resolver-rules=MAP ${PLAIN_HOST} 127.0.0.1`],
  })
  const opened: BrowserContext[] = []
  const complaints: string[] = []
  const watch = (page: Page) => {
    page.on('pageerror', (error) => complaints.push(`${page.url()}: ${error.message}`))
    page.on('console', (message) => {
      const isWrong = message.type() === 'error' && !EXPECTED.some((text) => message.text().startsWith(text))
      if (isWrong) complaints.push(`${page.url()}: ${message.text()}`)
    })
  }
  return {
    person: async (options) => {
      const context = await browser.newContext({ locale: 'en', ...options })
      opened.push(context)
      context.setDefaultTimeout(STEP_MS)
      context.on('page', watch)
      return context
    },
    tidy: async () => {
      await Promise.all(opened.splice(0).map((context) => context.close()))
      return complaints.splice(0)
    },
    [Symbol.asyncDispose]: () => browser.close(),
  }
}
