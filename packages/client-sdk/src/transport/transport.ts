import { createTRPCUntypedClient, httpBatchLink, httpLink, httpSubscriptionLink, splitLink } from '@trpc/client'
import { EventSource } from 'eventsource'

import { apiErrorOf } from '../errors/api-error-of.js'
import { badResponse, timeoutError } from '../errors/client-errors.js'
import type { GantryApiError } from '../errors/gantry-api-error.js'
import type { AppRouter } from '../generated/router.js'
import { bearer, boundedExchange, type FetchLike } from '../http/exchange.js'
import { eventStreamFetch } from '../streams/event-stream-fetch.js'
import { transformer } from './serialize-input.js'

/** Common proxies refuse URLs of more than 8 kB. */
const MAX_URL_LENGTH = 7_500
/** As many calls as the server takes in one request. */
const MAX_BATCH = 20

export interface TransportOptions {
  /** Of the server, without `/trpc`. */
  url: string
  fetch: FetchLike
  timeoutMs: number
}

export interface StreamCallbacks {
  token: string | null
  onOpen: () => void
  onData: (item: unknown) => void
  /** The connection is over: with an error, or with null when the server finished the stream. Called once. */
  onOver: (error: GantryApiError | null) => void
}

export interface TransportCall {
  token: string | null
  /** W3C; of the span that this call belongs to. Calls that share a request belong to that of the last. */
  traceparent?: string | undefined
  signal?: AbortSignal | undefined
}

/** What one call hands to the links. */
type CallContext = { token: string | null; traceparent?: string | undefined; onOver?: (error: GantryApiError) => void }
const contextOf = (context: unknown) => context as CallContext
const headersOf = (context: unknown, { traceparent } = contextOf(context)) => ({
  ...bearer(contextOf(context).token),
  ...(traceparent === undefined ? {} : { traceparent }),
})

/** Calls procedures over HTTP, once each: neither retries nor logins. Rejects with `GantryApiError` only. */
export class Transport {
  private readonly client: ReturnType<typeof createTRPCUntypedClient<AppRouter>>

  constructor(private readonly options: TransportOptions) {
    const url = `${options.url}/trpc`
    const http = { url, transformer, fetch: (target: unknown, init?: unknown) => this.fetchJson(target, init) }
    this.client = createTRPCUntypedClient<AppRouter>({
      links: [
        splitLink({
          condition: ({ type }) => type === 'subscription',
          true: httpSubscriptionLink({
            url,
            transformer,
            EventSource,
            eventSourceOptions: ({ op }) => ({ fetch: this.streamFetch(contextOf(op.context)) }),
          }),
          false: splitLink({
            condition: ({ type }) => type === 'query',
            // GET, so that whole batches can be answered from a cache.
            true: httpBatchLink({
              ...http,
              maxURLLength: MAX_URL_LENGTH,
              maxItems: MAX_BATCH,
              headers: ({ opList }) => headersOf(opList.at(-1)?.context),
            }),
            // Alone: an order must not wait for a slower one beside it, and is retried by itself.
            false: httpLink({ ...http, headers: ({ op }) => headersOf(op.context) }),
          }),
        }),
      ],
    })
  }

  async call(
    type: 'query' | 'mutation',
    path: string,
    input: unknown,
    { token, traceparent, signal }: TransportCall,
  ): Promise<unknown> {
    try {
      return await this.client[type](path, input, {
        context: { token, traceparent },
        ...(signal === undefined ? {} : { signal }),
      })
    } catch (error) {
      throw apiErrorOf(error)
    }
  }

  /** One connection; whoever wants another after its end opens it. @returns closes it */
  subscribe(path: string, input: unknown, { token, onOpen, onData, onOver }: StreamCallbacks): () => void {
    let isOver = false
    const leave = new AbortController()
    const over = (report: () => void) => {
      if (isOver) return
      isOver = true
      clearTimeout(patience)
      leave.abort()
      report()
    }
    const fail = (error: GantryApiError) => over(() => onOver(error))
    const patience = setTimeout(() => fail(timeoutError(this.options.timeoutMs)), this.options.timeoutMs)
    const context: CallContext = { token, onOver: fail }
    this.client.subscription(path, input, {
      context,
      signal: leave.signal,
      onStarted: () => {
        clearTimeout(patience)
        if (!isOver) onOpen()
      },
      onData: (item) => {
        if (!isOver) onData(item)
      },
      onComplete: () => over(() => onOver(null)),
      onError: (error) => fail(apiErrorOf(error)),
      onConnectionStateChange: (state) => {
        if (state.state === 'connecting' && state.error !== null) fail(apiErrorOf(state.error))
      },
    })
    return () => over(() => undefined)
  }

  private streamFetch({ token, onOver }: CallContext) {
    const { fetch, timeoutMs } = this.options
    return eventStreamFetch({ fetch, timeoutMs, token, onRefused: (error) => onOver?.(error) })
  }

  private fetchJson(target: unknown, init: unknown) {
    const { fetch, timeoutMs } = this.options
    const request = { fetch, url: String(target), init: (init ?? {}) as RequestInit, timeoutMs }
    return boundedExchange(request, async (response) => {
      const { status, ok, headers } = response
      const text = await response.text()
      const json = parsedJson(text, status)
      return { status, ok, headers, json: () => Promise.resolve(json) }
    })
  }
}

const parsedJson = (text: string, status: number): unknown => {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw badResponse(status, cause)
  }
}
