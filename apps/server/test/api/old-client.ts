import { PASSWORD } from '../../src/testing/app-under-test.js'

export const EMAIL = 'admin@example.org'
/** Where clients in browsers are. */
export const PAGE = 'https://app.example.org'

export interface Answered {
  status: number
  body: unknown
  headers: Headers
}

export type Headed = Record<string, string>
export type OldSend = (method: string, path: string, body?: unknown, headers?: Headed) => Promise<Answered>

export const sendTo = async (url: string, ...[method, path, body, headers]: Parameters<OldSend>): Promise<Answered> => {
  const response = await fetch(url + path, {
    method,
    headers: { ...(body === undefined ? {} : { 'Content-Type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text), headers: response.headers }
}

export interface Tokens {
  token: string
  refreshToken: string
}

/** How clients say who they are. Those in a browser send its page's origin along. */
export const WAYS = {
  header: (token: string): Headed => ({ Authorization: `Bearer ${token}` }),
  cookie: (token: string): Headed => ({ Cookie: `theme=dark; access_token=${token}`, Origin: PAGE }),
}
export type Way = keyof typeof WAYS

export interface Client {
  tokens: Tokens
  as: Headed
  ask: (method: string, path: string, body?: unknown) => Promise<Answered>
}

export const logInTo = async (url: string, root: string, way: Way, email = EMAIL): Promise<Client> => {
  const { body } = await sendTo(url, 'POST', `${root}/auth/login`, { email, password: PASSWORD })
  const tokens = body as Tokens
  const as = WAYS[way](tokens.token)
  return { tokens, as, ask: (method, path, input) => sendTo(url, method, root + path, input, as) }
}
