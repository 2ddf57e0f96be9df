import { Agent as HttpAgent, request as requestHttp } from 'node:http'
import { Agent as HttpsAgent, request as requestHttps } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'

import type { Sample, Stretch } from './statistics.js'

/** One request of the mix, by somebody. */
export interface Order {
  kind: string
  method: 'GET' | 'POST' | 'PATCH'
  path: string
  /** JSON. */
  body: string | null
  token: string
}

export interface Load {
  url: string
  /** How many requests are on their way at any time. */
  connections: number
  seconds: number
  /** What is asked next. */
  next: () => Order
  signal: AbortSignal
  /** Gets the answer to a request that succeeded. */
  onAnswer?: (order: Order, body: string) => void
}

const REQUEST_MS = 10_000
/** A server that refuses connections at once would else be asked a million times. */
const AFTER_FAILURE_MS = 100
/** A batch of which a member failed; a success in HTTP's eyes alone. */
const PARTLY = 207

/** Asks until the time is over; what is on its way then is waited for. */
export const drive = async (load: Load): Promise<Stretch> => {
  const isTls = load.url.startsWith('https:')
  const settings = { keepAlive: true, maxSockets: load.connections }
  const agent = isTls ? new HttpsAgent(settings) : new HttpAgent(settings)
  const samples: Sample[] = []
  const began = performance.now()
  const isOver = () => load.signal.aborted || performance.now() - began >= load.seconds * 1_000
  const ask = async () => {
    while (!isOver()) {
      const order = load.next()
      const sent = performance.now()
      const answer = await send({ url: load.url, agent, send: isTls ? requestHttps : requestHttp }, order)
      samples.push({ kind: order.kind, ms: performance.now() - sent, outcome: answer.outcome })
      if (answer.outcome === 'ok') load.onAnswer?.(order, answer.body)
      if (answer.isConnectionLost) await sleep(AFTER_FAILURE_MS)
    }
  }
  try {
    await Promise.all(Array.from({ length: load.connections }, ask))
    load.signal.throwIfAborted()
    return { samples, seconds: (performance.now() - began) / 1_000 }
  } finally {
    agent.destroy()
  }
}

interface Wire {
  url: string
  agent: HttpAgent
  send: typeof requestHttp
}

interface Answer {
  outcome: string
  body: string
  isConnectionLost: boolean
}

const send = (wire: Wire, { method, path, body, token }: Order): Promise<Answer> =>
  new Promise((resolve) => {
    const lost = (error: Error & { code?: string }) =>
      resolve({ outcome: codeOf(error), body: '', isConnectionLost: true })
    const headers = {
      authorization: `Bearer ${token}`,
      ...(body === null ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
    }
    const options = { method, agent: wire.agent, headers, signal: AbortSignal.timeout(REQUEST_MS) }
    const request = wire.send(wire.url + path, options, (response) => {
      const parts: Buffer[] = []
      const { statusCode = 0 } = response
      const outcome = statusCode >= 200 && statusCode < 300 && statusCode !== PARTLY ? 'ok' : String(statusCode)
      response
        .on('data', (part: Buffer) => parts.push(part))
        // Only what creates something is read; a text of each list would cost the machine more than sending it.
        .on('end', () => resolve({ outcome, body: text(method, parts), isConnectionLost: false }))
        .on('error', lost)
    })
    request.on('error', lost).end(body ?? undefined)
  })

const text = (method: Order['method'], parts: Buffer[]): string =>
  method === 'POST' ? Buffer.concat(parts).toString() : ''

const codeOf = ({ name, code, message }: Error & { code?: string }): string =>
  name === 'AbortError' || name === 'TimeoutError' ? `no answer in ${REQUEST_MS / 1_000} s` : (code ?? message)
