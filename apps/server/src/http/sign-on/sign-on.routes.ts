import { z } from 'zod'

import { ERROR_TABLE, type GantryError } from '../../kernel/errors.js'
import { SIGN_ON_PATH } from '../../kernel/sign-on-path.js'
import type { SignOnService } from '../../modules/sign-on/sign-on.service.js'
import { inputError } from '../../trpc/gantry-error-of.js'
import { cookieIn, ownCookie, SIGN_ON_COOKIE } from '../browsers/cookies.js'
import { ExchangeCookies } from '../browsers/exchange-cookies.js'
import type { Exchange } from '../exchange.js'
import { applyRateLimit } from '../limits/rate-limit.js'
import type { RateLimiter } from '../limits/rate-limiter.port.js'
import { prepareError, sendError, sendText } from '../respond.js'
import type { Route } from '../route.js'
import { signOnPage, SIGN_ON_POLICY } from './sign-on-page.js'

export interface SignOnRoutesOptions {
  signOn: Pick<SignOnService, 'begin' | 'finish' | 'returnToOf'>
  rateLimiter: RateLimiter
}

const HTML = 'text/html; charset=utf-8'

const startInput = z.strictObject({
  return_to: z.string().max(1_000).optional(),
  code_challenge: z
    .string()
    .regex(/^[\w-]{43}$/, 'must be an S256 challenge of RFC 7636')
    .optional(),
  code_challenge_method: z.literal('S256').optional(),
  purpose: z.enum(['login', 'link']).default('login'),
  fresh: z.enum(['true', 'false']).default('false'),
})

/** Each name once. @throws GantryError `VALIDATION_FAILED` */
const startIn = (query: URLSearchParams) => {
  const names = [...query.keys()]
  const once = names.length === new Set(names).size
  const parsed = startInput.safeParse(once ? Object.fromEntries(query) : { again: 'a name stands there twice' })
  if (!parsed.success) throw inputError(parsed.error, parsed.error)
  return parsed.data
}

const redirect = ({ res }: Exchange, to: string): void => {
  // See Other: whatever the method was, the browser goes on with GET.
  res.writeHead(303, { Location: to, 'Content-Length': 0 })
  res.end()
}

const wantsPage = ({ req }: Exchange): boolean => req.headers.accept?.includes('text/html') === true

const setCookie = ({ res }: Exchange, cookie: string): void => void res.appendHeader('Set-Cookie', cookie)

/** Null when none came, or several that differ. */
const signOnCookie = ({ req }: Exchange): string | null => {
  try {
    return cookieIn(req.headers.cookie, SIGN_ON_COOKIE) ?? null
  } catch {
    return null
  }
}

const sendPage = (exchange: Exchange, status: number, page: string): void => {
  exchange.res.setHeader('Content-Security-Policy', SIGN_ON_POLICY)
  sendText(exchange, status, HTML, page)
}

/** People see a sentence of ours, programs the usual body; nothing of what the provider said. */
const showError = (exchange: Exchange, error: GantryError): void => {
  if (!wantsPage(exchange)) {
    sendError(exchange, error)
    return
  }
  prepareError(exchange, error)
  const note = `${error.code}, request ${exchange.requestId}`
  sendPage(exchange, ERROR_TABLE[error.code].httpStatus, signOnPage('Not logged in', error.userText, note))
}

/** To the page that wished it, with the code of what went wrong. */
const returnError = (exchange: Exchange, error: GantryError, to: string): void => {
  prepareError(exchange, error)
  const url = new URL(to)
  url.searchParams.set('sso_error', error.code)
  const { reason } = error.params
  if (typeof reason === 'string') url.searchParams.set('sso_reason', reason)
  redirect(exchange, url.href)
}

/**
 * `GET /api/auth/sso` and its way back, both opened in a browser. They are open, since no session is asked for and none may
 * be in the way: a provider on a sibling host sends the browser back with the cookies of one.
 */
export const signOnRoutes = ({ signOn, rateLimiter }: SignOnRoutesOptions): Route[] => {
  const limited = async (exchange: Exchange) => {
    await applyRateLimit(exchange, rateLimiter, 1)
    exchange.applyHead()
  }

  const start = async (exchange: Exchange): Promise<void> => {
    await limited(exchange)
    const wish = startIn(exchange.query)
    const { url, cookie } = await exchange.unlessAborted(
      signOn.begin({
        ...{ returnTo: wish.return_to ?? null, challenge: wish.code_challenge ?? null },
        ...{ purpose: wish.purpose, fresh: wish.fresh === 'true' },
      }),
    )
    setCookie(exchange, ownCookie(SIGN_ON_COOKIE, cookie, 'lax'))
    redirect(exchange, url)
  }

  const finish = async (exchange: Exchange): Promise<void> => {
    await limited(exchange)
    const origin = { ip: exchange.address, userAgent: exchange.req.headers['user-agent'] ?? null }
    const { pair, returnTo } = await exchange.unlessAborted(
      signOn.finish(signOnCookie(exchange), exchange.query, origin),
    )
    setCookie(exchange, ownCookie(SIGN_ON_COOKIE, undefined, 'lax'))
    if (pair !== null) new ExchangeCookies(exchange).keep(pair)
    if (returnTo !== null) redirect(exchange, returnTo)
    else sendPage(exchange, 200, signOnPage('Logged in', 'You are logged in and may close this page.'))
  }

  const finishError = (exchange: Exchange, error: GantryError): void => {
    const to = signOn.returnToOf(signOnCookie(exchange))
    setCookie(exchange, ownCookie(SIGN_ON_COOKIE, undefined, 'lax'))
    if (to === null) showError(exchange, error)
    else returnError(exchange, error, to)
  }

  return [
    { method: 'GET', pattern: SIGN_ON_PATH, access: 'open', handle: start, sendError: showError },
    { method: 'GET', pattern: `${SIGN_ON_PATH}/callback`, access: 'open', handle: finish, sendError: finishError },
  ]
}
