import type { UserRole } from '@gantry/schemas'

import type { Login } from './options.js'

const DEADLINE_MS = 15_000

/** Somebody who asks. */
export interface Visitor {
  token: string
  role: UserRole
}

/** The server refused what the load test needs before or after the load; the message is a sentence. */
export class RefusedError extends Error {
  constructor(
    message: string,
    readonly status: number,
  ) {
    super(message)
  }
}

/** One call outside of the measured load. @throws RefusedError, or Error when the server cannot be reached */
export const call = async (url: string, token: string | null, method: string, path: string, body?: unknown) => {
  const response = await fetch(url + path, {
    ...{ method, redirect: 'error', signal: AbortSignal.timeout(DEADLINE_MS) },
    headers: {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  }).catch((error: unknown) => {
    throw new Error(`${url} cannot be reached: ${causeOf(error)}`)
  })
  const text = await response.text()
  if (!response.ok) throw new RefusedError(`${method} ${path} was answered ${response.status}.`, response.status)
  return text
}

/** As {@link call}, of JSON. @throws Error also when the answer is none, as of a server that is not Gantry */
export const callJson = async (...request: Parameters<typeof call>): Promise<unknown> => {
  const text = await call(...request)
  try {
    return JSON.parse(text) as unknown
  } catch {
    throw new Error(`${request[0]} does not answer as Gantry does.`)
  }
}

/** fetch hides why in a chain of causes. */
const causeOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  if (error.name === 'TimeoutError') return `no answer in ${DEADLINE_MS / 1_000} s`
  const { cause } = error
  if (cause instanceof AggregateError) return causeOf(cause.errors[0])
  return cause instanceof Error ? causeOf(cause) : error.message
}

/** @throws Error with a sentence when the server takes neither token nor password */
export const logIn = async (url: string, login: Login): Promise<Visitor> => {
  try {
    const token = 'token' in login ? login.token : await tokenOf(url, login)
    const { role } = (await callJson(url, token, 'GET', '/api/auth/me')) as { role: UserRole }
    return { token, role }
  } catch (error) {
    if (!(error instanceof RefusedError) || error.status !== 401) throw error
    const what = 'token' in login ? 'the token' : `the password of ${login.email}`
    throw new Error(`${url} does not accept ${what}.`, { cause: error })
  }
}

const tokenOf = async (url: string, login: { email: string; password: string }): Promise<string> =>
  ((await callJson(url, null, 'POST', '/api/auth/login', login)) as { accessToken: string }).accessToken
