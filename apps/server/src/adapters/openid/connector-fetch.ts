import type { CustomFetch } from 'openid-client'

import type { Connector } from '../../net/connector.js'

/** What a provider says of itself, its keys and its answers are some kB. */
const MAX_BYTES = 512 * 1_024

const NO_BODY = [204, 205, 304]

/** How the library speaks to the provider: with a deadline and a bound, to checked addresses, without redirects. */
export const connectorFetch =
  (connector: Pick<Connector, 'request'>, timeoutMs: number): CustomFetch =>
  async (url, { method, headers, body }) => {
    const answer = await connector.request({
      ...{ url, method: method === 'POST' ? 'POST' : 'GET', timeoutMs, maxBytes: MAX_BYTES },
      headers: Object.fromEntries(new Headers(headers).entries()),
      ...(body === undefined || body === null ? {} : { body: textOf(body) }),
    })
    const init = { status: answer.status, headers: new Headers(pairsOf(answer.headers)) }
    return new Response(NO_BODY.includes(answer.status) ? null : new Uint8Array(answer.body), init)
  }

/** All that we let it send are forms. */
const textOf = (body: unknown): string => {
  if (typeof body === 'string' || body instanceof URLSearchParams) return String(body)
  throw new TypeError('only forms are sent to the identity provider')
}

const pairsOf = (headers: Readonly<Record<string, string | string[] | undefined>>): [string, string][] =>
  Object.entries(headers).flatMap(([name, value]) => [value ?? []].flat().map((one): [string, string] => [name, one]))
