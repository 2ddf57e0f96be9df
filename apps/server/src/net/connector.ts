import { Readable } from 'node:stream'

import { Agent, buildConnector, request as undiciRequest, type Dispatcher } from 'undici'

import { type AddressPolicy, createAddressGuard } from './address-policy.js'
import { createDeadline } from './deadline.js'
import type { SizedBody } from './multipart.js'
import { NetError, toNetError } from './net-error.js'
import { createResolver, type LookupAll, type Resolver } from './resolver.js'
import { openWebSocket, type OutboundSocket, type WebSocketRequest } from './web-socket.js'

export interface OutboundRequest {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  url: string
  headers?: Readonly<Record<string, string>>
  body?: string | Uint8Array
  signal?: AbortSignal
  /** For everything, from the name's resolution to the last byte of the answer. @default 10_000 */
  timeoutMs?: number
  /** A larger answer is an error. @default 1 MB */
  maxBytes?: number
  /** Only the beginning of the answer is wanted: what is beyond `maxBytes` is left unread and no error. @default false */
  cutOff?: boolean
}

export interface UploadRequest extends Omit<OutboundRequest, 'body' | 'timeoutMs' | 'cutOff'> {
  body: SizedBody
  /** How long nothing may move; an upload that moves may take as long as it needs. @default 60_000 */
  stallMs?: number
  onProgress?: (sentBytes: number) => void
}

/** Any status; a redirect is handed over like any other answer and never followed. */
export interface OutboundResponse {
  status: number
  /** The media type in lower case, without its parameters; null when the peer named none. */
  contentType: string | null
  headers: Readonly<Record<string, string | string[] | undefined>>
  body: Buffer
}

export interface JsonResponse {
  status: number
  /** Undefined when the answer had no body. */
  json: unknown
}

/** The one way out of the process to addresses that people typed in. All methods throw {@link NetError} only. */
export interface Connector {
  request(request: OutboundRequest): Promise<OutboundResponse>
  /** @throws NetError `not_json`, with the status, for an answer that is something else */
  json(request: OutboundRequest): Promise<JsonResponse>
  upload(request: UploadRequest): Promise<OutboundResponse>
  webSocket(request: WebSocketRequest): Promise<OutboundSocket>
  /**
   * Whether a request may go there, as far as the URL alone tells: a name is resolved only when it is connected to.
   * @throws NetError `bad_url`, `address_refused`
   */
  check(url: string): void
  /** Ends every connection at once. */
  close(): Promise<void>
}

export interface ConnectorOptions {
  /** Requests beyond these wait, within their deadline. @default 4 */
  connectionsPerHost?: number
  /** Replaces the system's resolver in tests. */
  lookupAll?: LookupAll
}

const MAX_HEADER_BYTES = 16_384
const MAX_JSON_BYTES = 1_000_000

const guardedAgent = (resolver: Resolver, connections: number): Agent => {
  const connect = buildConnector({ timeout: 10_000, lookup: resolver.lookup })
  return new Agent({
    connections,
    // No connection is kept: an order sent on an idle one that the host has just closed gets no answer, and nobody
    // could tell whether it was heard.
    pipelining: 0,
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: (options, callback) => {
      try {
        resolver.checkLiteral(options.hostname)
      } catch (error) {
        callback(toNetError(error, options.hostname), null)
        return
      }
      connect(options, callback)
    },
  })
}

/** @throws NetError `bad_url` */
const checkedUrl = (text: string, schemes: readonly string[]): URL => {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null || !schemes.includes(url.protocol)) {
    throw new NetError('bad_url', `not a URL that starts with ${schemes.join(' or ')}`)
  }
  if (url.username !== '' || url.password !== '') throw new NetError('bad_url', 'the URL must not hold credentials')
  return url
}

interface Bound {
  maxBytes: number
  cutOff?: boolean
}

const readBounded = async (
  body: AsyncIterable<Uint8Array>,
  { maxBytes, cutOff = false }: Bound,
  peer: string,
): Promise<Buffer> => {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.byteLength
    if (size > maxBytes && cutOff) return Buffer.concat([...chunks, chunk], maxBytes)
    if (size > maxBytes) throw new NetError('too_large', `${peer} answered with more than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

const mediaType = (header: string | string[] | undefined): string | null => {
  const first = Array.isArray(header) ? header[0] : header
  const type = first?.split(';')[0]?.trim().toLowerCase() ?? ''
  return type === '' ? null : type
}

const isJson = (type: string | null) => type !== null && (type === 'application/json' || type.endsWith('+json'))

/** The body of an answer as JSON; undefined for no body. @throws NetError `not_json` */
export const jsonOf = (response: OutboundResponse, peer: string): unknown => {
  if (response.body.byteLength === 0) return undefined
  const wrong = (cause?: unknown) =>
    new NetError(
      'not_json',
      `${peer} answered ${response.status} with ${response.contentType ?? 'no type'}, not JSON`,
      {
        httpStatus: response.status,
        cause,
      },
    )
  if (!isJson(response.contentType)) throw wrong()
  try {
    return JSON.parse(response.body.toString('utf8'))
  } catch (error) {
    throw wrong(error)
  }
}

type Exchange = Pick<Dispatcher.RequestOptions, 'method' | 'headers' | 'body'> & Bound & { url: URL }

const talk = async (agent: Agent, what: Exchange, signal: AbortSignal): Promise<OutboundResponse> => {
  const { url, maxBytes, cutOff = false, ...options } = what
  const answer = await undiciRequest(url, { ...options, dispatcher: agent, signal })
  const body = await readBounded(answer.body, { maxBytes, cutOff }, url.host)
  const contentType = mediaType(answer.headers['content-type'])
  return { status: answer.statusCode, contentType, headers: answer.headers, body }
}

/** Undici hears of an abort only once it has a connection; a host that cannot be reached must not take longer. */
const exchange = (agent: Agent, what: Exchange, signal: AbortSignal): Promise<OutboundResponse> =>
  new Promise((resolve, reject) => {
    const fail = (error: unknown) => reject(toNetError(signal.aborted ? signal.reason : error, what.url.host))
    if (signal.aborted) {
      fail(signal.reason)
      return
    }
    signal.addEventListener('abort', fail, { once: true })
    talk(agent, what, signal).then(resolve, fail)
  })

/**
 * A body that is read only when there is a connection, and then not sent for a caller who gave up meanwhile: a process
 * that was frozen while it connected would else send an order whose time is long over. Without its body it is none.
 */
const lateBody = (body: string | Uint8Array, headers: OutboundRequest['headers'], signal?: AbortSignal) => {
  const content = Buffer.from(body)
  const chunks = function* () {
    if (signal?.aborted === true) throw new NetError('aborted', 'given up before the request was sent')
    yield content
  }
  return {
    headers: { ...headers, 'content-length': String(content.byteLength) },
    body: Readable.from(chunks(), { objectMode: false }),
  }
}

const HTTP = ['http:', 'https:']

const upload = async (agent: Agent, upload: UploadRequest): Promise<OutboundResponse> => {
  const url = checkedUrl(upload.url, HTTP)
  using deadline = createDeadline(upload.stallMs ?? 60_000, `${url.host}, which takes an upload,`, upload.signal)
  const over = new AbortController()
  const onContent = (sentBytes: number) => {
    deadline.restart()
    upload.onProgress?.(sentBytes)
  }
  const headers = {
    ...upload.headers,
    'content-type': upload.body.contentType,
    'content-length': String(upload.body.sizeBytes),
  }
  const { method = 'POST', maxBytes = MAX_JSON_BYTES } = upload
  const body = Readable.from(upload.body.chunks(onContent, over.signal), { objectMode: false })
  // The request reports what goes wrong with its body; what comes after its end is of no interest.
  body.on('error', () => undefined)
  try {
    return await exchange(agent, { url, method, headers, body, maxBytes }, deadline.signal)
  } finally {
    over.abort()
  }
}

/** @throws RangeError when the policy names a network that is none */
export const createConnector = (policy: AddressPolicy, options: ConnectorOptions = {}): Connector => {
  const resolver = createResolver(createAddressGuard(policy), options.lookupAll)
  const agent = guardedAgent(resolver, options.connectionsPerHost ?? 4)
  const sockets = new Set<OutboundSocket>()

  const request = async (what: OutboundRequest): Promise<OutboundResponse> => {
    const url = checkedUrl(what.url, HTTP)
    using deadline = createDeadline(what.timeoutMs ?? 10_000, url.host, what.signal)
    const { method = 'GET', headers = {}, maxBytes = MAX_JSON_BYTES, cutOff = false } = what
    const sent = what.body === undefined ? { headers, body: null } : lateBody(what.body, headers, what.signal)
    return await exchange(agent, { url, method, ...sent, maxBytes, cutOff }, deadline.signal)
  }

  return {
    request,
    check: (url) => resolver.checkLiteral(checkedUrl(url, HTTP).hostname),
    async json(what) {
      const response = await request({ ...what, headers: { accept: 'application/json', ...what.headers } })
      return { status: response.status, json: jsonOf(response, new URL(what.url).host) }
    },
    upload: (what) => upload(agent, what),
    async webSocket(what) {
      checkedUrl(what.url, ['ws:', 'wss:'])
      const socket = await openWebSocket(resolver, what)
      sockets.add(socket)
      void socket.closed.then(() => sockets.delete(socket))
      return socket
    },
    async close() {
      resolver.close()
      for (const socket of sockets) socket.close()
      await agent.destroy()
    },
  }
}
