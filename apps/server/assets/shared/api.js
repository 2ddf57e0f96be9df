/**
 * The API as the pages call it. Where the browser keeps cookies, the session lies in two that no script reads. Over plain
 * HTTP it keeps none: then both tokens live in memory, and whoever loads a page anew signs in anew.
 */

const REQUEST_MS = 15_000
const PROBE = '__Host-gantry-probe'

/** Whether a cookie like those of a session would be kept: browsers differ at `http://localhost`, and some keep none at all. */
const findCookies = () => {
  document.cookie = `${PROBE}=1; Path=/; Secure; SameSite=Strict`
  const isKept = document.cookie.includes(PROBE)
  document.cookie = `${PROBE}=; Path=/; Secure; SameSite=Strict; Max-Age=0`
  return isKept
}

export const keepsCookies = findCookies()

/** Without cookies alone. */
let tokens = null
let renewing = null
let onSignedOut = () => undefined

const waitOf = (seconds) => {
  if (typeof seconds !== 'number' || seconds < 1) return ''
  const minutes = Math.ceil(seconds / 60)
  return seconds < 90 ? ` Try again in ${Math.ceil(seconds)} seconds.` : ` Try again in ${minutes} minutes.`
}

export class ApiError extends Error {
  /** @param status null: nothing was answered */
  constructor(status, body) {
    const { message = `The server answered ${status}.`, code = null, fields = null, retryAfterSeconds } = body ?? {}
    super(status === null ? 'The server does not answer. Try again.' : message + waitOf(retryAfterSeconds))
    this.status = status
    this.code = code
    this.fields = fields ?? {}
  }
}

/** Nobody is signed in (any more); a wrong password is something else. */
const isOver = (error) => error instanceof ApiError && ['UNAUTHENTICATED', 'SESSION_ENDED'].includes(error.code)

const credentials = () => {
  if (keepsCookies) return { 'X-Gantry-Session': 'cookie' }
  return tokens === null ? {} : { Authorization: `Bearer ${tokens.accessToken}` }
}

const answerOf = async (response) => {
  try {
    return JSON.parse(await response.text())
  } catch {
    // Some calls answer nothing, and whatever stands between may answer in its own way.
    return null
  }
}

/** As whoever is signed in at this moment. @throws ApiError */
const send = async (method, path, body) => {
  const request = {
    ...{ method, cache: 'no-store', credentials: keepsCookies ? 'same-origin' : 'omit' },
    headers: { ...(body === undefined ? {} : { 'Content-Type': 'application/json' }), ...credentials() },
    body: body === undefined ? undefined : JSON.stringify(body),
    signal: AbortSignal.timeout(REQUEST_MS),
  }
  const response = await fetch(`/api${path}`, request).catch(() => {
    throw new ApiError(null, null)
  })
  const answer = await answerOf(response)
  if (!response.ok) throw new ApiError(response.status, answer?.error)
  return answer
}

/** Whether a session is there again, since another tab has renewed it. */
const isRenewed = () =>
  send('GET', '/auth/me').then(
    () => true,
    (error) => {
      if (isOver(error)) return false
      throw error
    },
  )

/** One tab after the other: each refresh token works once, and one that comes again ends the session. */
const renewCookies = () => {
  const work = async () => {
    if (!(await isRenewed())) await send('POST', '/auth/browser-session/renew')
  }
  return navigator.locks === undefined ? work() : navigator.locks.request('gantry.renew', work)
}

const renewTokens = async () => {
  if (tokens === null) throw new ApiError(401, { code: 'UNAUTHENTICATED', message: 'Sign in first.' })
  const { refreshToken } = tokens
  tokens = await send('POST', '/auth/refresh', { refreshToken })
}

/** However many calls find out at once that the session needs it, one does it. */
const renew = () => {
  renewing ??= (keepsCookies ? renewCookies() : renewTokens()).finally(() => {
    renewing = null
  })
  return renewing
}

/** Renews the session where that is needed, and tells who waits for it that it is over. @throws ApiError */
export const call = async (method, path, body) => {
  try {
    return await send(method, path, body)
  } catch (error) {
    if (!isOver(error)) throw error
  }
  try {
    await renew()
    return await send(method, path, body)
  } catch (error) {
    if (isOver(error)) forget()
    throw error
  }
}

const forget = () => {
  tokens = null
  onSignedOut()
}

/** For calls that need no session: a link of a mail, a reset. @throws ApiError */
export const callOpenly = (method, path, body) => send(method, path, body)

/** The user; null when nobody is signed in. @throws ApiError when that cannot be found out */
export const whoIsThere = async () => {
  try {
    return await send('GET', '/auth/me')
  } catch (error) {
    if (!isOver(error)) throw error
  }
  try {
    await renew()
    return await send('GET', '/auth/me')
  } catch (error) {
    if (isOver(error)) return null
    throw error
  }
}

/** Which ways to sign in there are. @throws ApiError */
export const waysIn = () => send('GET', '/auth/methods')

/** @param login `{ email, password, code? }` @returns the user @throws ApiError */
export const signIn = async (login) => {
  if (keepsCookies) return (await send('POST', '/auth/browser-session', login)).user
  const { user, ...pair } = await send('POST', '/auth/login', login)
  tokens = pair
  return user
}

export const signOut = async () => {
  try {
    await call('POST', '/auth/logout', {})
  } catch (error) {
    // What is over already has been told.
    if (isOver(error)) return
    throw error
  }
  forget()
}

export const whenSignedOut = (act) => {
  onSignedOut = act
}
