import type { AuthCalls, FileCalls, GantryClient, GantryClientOptions } from './client.types.js'
import type { ProcedureCalls } from './api.types.js'
import { Downloader } from './files/downloader.js'
import { Uploader } from './files/uploader.js'
import { platformXhr } from './files/xhr-send.js'
import { PROCEDURES } from './generated/procedures.js'
import type { BrowserSession, CurrentUser, TokenPair } from './generated/router.js'
import { unlessAborted } from './http/deadline.js'
import type { GantryApiError } from './errors/gantry-api-error.js'
import type { FetchLike } from './http/exchange.js'
import { retrying } from './http/retry.js'
import { procedureCalls, type CallPorts } from './procedure-calls.js'
import { lockNamed } from './session/lock.js'
import { CookieSession } from './session/cookie-session.js'
import { isAuthFailure, Session, type ClientSession, type Credentials } from './session/session.js'
import { memoryTokenStore } from './session/token-store.js'
import { fetchWithCookies, xhrWithCookies } from './session/with-cookies.js'
import { Transport } from './transport/transport.js'

const RETRY = { attempts: 3, delayMs: 300, maxDelayMs: 10_000 }
const RECONNECT = { delayMs: 500, maxDelayMs: 30_000 }
const TIMEOUT_MS = 35_000
const STALL_TIMEOUT_MS = 60_000

const baseUrlOf = (url: string): string => {
  const { location } = globalThis as { location?: { href: string } }
  const base = new URL(url, location?.href)
  return `${base.origin}${base.pathname.replace(/\/+$/, '')}`
}

const credentialsIn = ({ email, password }: GantryClientOptions): Credentials | null =>
  email === undefined || password === undefined ? null : { email, password }

/** Called for every request, so that a `fetch` put in place later is the one that is used. */
const platformFetch: FetchLike = (url, init) => globalThis.fetch(url, init)

const sessionOf = (
  options: GantryClientOptions,
  transport: Transport,
  ports: Pick<CallPorts, 'retry' | 'random'>,
): ClientSession => {
  const { tokenStore: store = memoryTokenStore(), onSessionEnd } = options
  const publicly = (path: string, input: unknown) => transport.call('mutation', path, input, { token: null })
  // The server answers a repeated refresh whose first answer was lost, for some seconds.
  const repeatedly = <T>(call: () => Promise<T>) => retrying(call, { ...ports.retry, random: ports.random })
  const common = {
    credentials: credentialsIn(options),
    onSessionEnd: (error: GantryApiError) => onSessionEnd?.(error),
    now: () => Date.now(),
  }
  if (options.session === 'cookie') {
    return new CookieSession({
      ...{ ...common, lock: lockNamed('cookies') },
      begin: (input) => publicly('auth.beginBrowserSession', input) as Promise<BrowserSession & { user: CurrentUser }>,
      renew: () => repeatedly(() => publicly('auth.renewBrowserSession', undefined)) as Promise<BrowserSession>,
    })
  }
  return new Session({
    ...common,
    store,
    lock: lockNamed(store.sharedAs),
    login: (credentials) => publicly('auth.login', credentials) as Promise<TokenPair & { user: CurrentUser }>,
    exchange: (ticket) => publicly('auth.exchangeSignOn', ticket) as Promise<TokenPair & { user: CurrentUser }>,
    refresh: (refreshToken) => repeatedly(() => publicly('auth.refresh', { refreshToken })) as Promise<TokenPair>,
  })
}

const authCalls = (session: ClientSession, transport: Transport): AuthCalls => ({
  login: (email, password, { code, signal } = {}) =>
    unlessAborted(session.login({ email, password, ...(code !== undefined && { code }) }), signal),
  signOn: (ticket, { signal } = {}) => unlessAborted(session.signOn(ticket), signal),
  isLoggedIn: () => session.isHeld(),
  logout: async () => {
    if (!(await session.isHeld())) return
    try {
      await session.authorized((token) => transport.call('mutation', 'auth.logout', undefined, { token }))
    } catch (error) {
      // There is no session to end any more.
      if (!isAuthFailure(error)) throw error
    } finally {
      await session.forget()
    }
  },
})

const fileCalls = (url: string, options: GantryClientOptions, fetch: FetchLike, session: ClientSession): FileCalls => {
  const { stallTimeoutMs = STALL_TIMEOUT_MS } = options
  const platform = platformXhr()
  const xhr = platform !== null && options.session === 'cookie' ? xhrWithCookies(platform) : platform
  const shared = { url, fetch, session, stallTimeoutMs }
  const uploader = new Uploader({ ...shared, xhr: options.fetch === undefined ? xhr : null, canStream: xhr === null })
  const downloader = new Downloader(shared)
  return {
    upload: (file, uploadOptions = {}) => uploader.upload(file, uploadOptions),
    download: (id, callOptions) => downloader.download(id, 'content', callOptions?.signal),
    thumbnail: (id, callOptions) => downloader.download(id, 'thumbnail', callOptions?.signal),
    contentUrl: (id) => downloader.urlOf(id, 'content'),
  }
}

const withoutTokens = ({
  login: _login,
  refresh: _refresh,
  logout: _logout,
  beginBrowserSession: _begin,
  renewBrowserSession: _renew,
  exchangeSignOn: _exchange,
  ...rest
}: ProcedureCalls['auth']) => rest

/**
 * A client of one Gantry server. It opens no connection before it is first used.
 * @example
 * const gantry = createGantryClient({ url: 'https://gantry.example' })
 * await gantry.auth.login('me@example.com', password)
 * const { items } = await gantry.printers.list()
 * @throws TypeError when the URL is none
 */
export const createGantryClient = (options: GantryClientOptions): GantryClient => {
  const url = baseUrlOf(options.url)
  const { fetch: send = platformFetch, timeoutMs = TIMEOUT_MS } = options
  const fetch = options.session === 'cookie' ? fetchWithCookies(send) : send
  const transport = new Transport({ url, fetch, timeoutMs })
  const common = { retry: { ...RETRY, ...options.retry }, random: Math.random }
  const session = sessionOf(options, transport, common)
  const { auth, files, ...calls } = procedureCalls(PROCEDURES, {
    ...common,
    session,
    transport,
    reconnect: { ...RECONNECT, ...options.reconnect },
    newIdempotencyKey: () => crypto.randomUUID(),
    tracer: options.tracer,
  })
  return {
    ...calls,
    auth: { ...withoutTokens(auth), ...authCalls(session, transport) },
    files: { ...files, ...fileCalls(url, options, fetch, session) },
  }
}
