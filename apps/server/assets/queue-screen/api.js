/** The API as this page calls it. Both tokens live in memory alone: whoever loads the page anew logs in anew. */

let tokens = null
let refreshing = null
let onLoggedOut = () => undefined

const REQUEST_MS = 10_000

export class ApiError extends Error {
  constructor(status, body) {
    super(body?.error?.message ?? `The server answered ${status}.`)
    this.status = status
    this.code = body?.error?.code ?? null
  }
}

const send = async (method, path, body, accessToken) => {
  const response = await fetch(`/api${path}`, {
    method,
    headers: {
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      ...(accessToken === null ? {} : { Authorization: `Bearer ${accessToken}` }),
    },
    body: body === undefined ? undefined : JSON.stringify(body),
    cache: 'no-store',
    credentials: 'omit',
    signal: AbortSignal.timeout(REQUEST_MS),
  })
  const text = await response.text()
  let parsed = null
  try {
    parsed = JSON.parse(text)
  } catch {
    // Whatever stands between may answer in its own way.
  }
  if (!response.ok) throw new ApiError(response.status, parsed)
  return parsed
}

/** However many calls find out at once that the token is old, one asks for the next: each refresh token works once. */
const refresh = () => {
  refreshing ??= send('POST', '/auth/refresh', { refreshToken: tokens.refreshToken }, null)
    .then((pair) => {
      tokens = pair
    })
    .finally(() => {
      refreshing = null
    })
  return refreshing
}

const forget = () => {
  tokens = null
  onLoggedOut()
}

/** @throws ApiError */
export const call = async (method, path, body) => {
  if (tokens === null) throw new ApiError(401, null)
  const { accessToken } = tokens
  try {
    return await send(method, path, body, accessToken)
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 401) throw error
  }
  try {
    if (tokens !== null && tokens.accessToken === accessToken) await refresh()
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) forget()
    throw error
  }
  return send(method, path, body, tokens.accessToken)
}

/** @throws ApiError; Error for whoever is no admin */
export const logIn = async (email, password) => {
  const { user, ...pair } = await send('POST', '/auth/login', { email, password }, null)
  if (user.role !== 'admin') {
    await send('POST', '/auth/logout', {}, pair.accessToken).catch(() => undefined)
    throw new Error('This page is for admins.')
  }
  tokens = pair
}

export const logOut = async () => {
  await call('POST', '/auth/logout', {}).catch(() => undefined)
  forget()
}

export const whenLoggedOut = (act) => {
  onLoggedOut = act
}
