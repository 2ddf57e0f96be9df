import { Agent, request } from 'node:http'

import type { FailedRequest, ReadingHistory } from '../checker/reading-history.js'
import type { GantryInstance } from '../farm/gantry-instance.js'

/** Longer than the server takes to give a request up. */
const SILENT_MS = 20_000
const MOST_BYTES = 10_000_000

export interface Caller {
  by: string
  token: string | null
}

export interface Call {
  what: string
  method: 'GET' | 'POST'
  path: string
  body?: unknown
}

export interface Answer {
  at: string
  sentMs: number
  answeredMs: number
  status: number
  body: unknown
  /** Whether it was one that had been kept. */
  isKept: boolean
}

interface Received {
  status: number
  headers: Record<string, string | string[] | undefined>
  text: string
}

interface WireError {
  code?: unknown
  json?: { data?: { code?: unknown; retryAfterSeconds?: unknown } }
}

/** A batch of which some members were answered has no header for the others: each says it for itself. */
const PARTLY = 207

/** Of an answer of tRPC, single or of a batch, or of REST. */
const errorsIn = (body: unknown): WireError[] => {
  const members = (Array.isArray(body) ? body : [body]) as { error?: WireError }[]
  return members.flatMap(({ error }) => (error === undefined ? [] : [error]))
}

/** The error codes in an answer; null when there is none. */
const codeIn = (body: unknown): string | null => {
  const codes = new Set(errorsIn(body).map(codeOf))
  return codes.size === 0 ? null : [...codes].join(', ')
}

const saysWhenToRetry = ({ status, headers }: Received, body: unknown): boolean =>
  status === PARTLY
    ? errorsIn(body).every(({ json }) => typeof json?.data?.retryAfterSeconds === 'number')
    : headers['retry-after'] !== undefined

const codeOf = ({ code, json }: WireError): string => {
  const found = json?.data?.code ?? code
  return typeof found === 'string' ? found : 'none'
}

const jsonIn = (text: string): unknown => {
  try {
    return text === '' ? {} : JSON.parse(text)
  } catch {
    return {}
  }
}

/** Calls instances directly, each over connections that are kept open, and notes what is not answered as it should be. */
export class HttpCaller {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 50 })

  constructor(private readonly history: ReadingHistory) {}

  /** @returns null when the call failed, which is noted unless the code is one that `expected` names */
  async call(
    instance: GantryInstance,
    { by, token }: Caller,
    call: Call,
    expected: readonly string[] = [],
  ): Promise<Answer | null> {
    const at = instance.name
    const sentMs = performance.now()
    const failed = (rest: Pick<FailedRequest, 'kind' | 'status' | 'code' | 'saysWhenToRetry'>) => {
      const endedMs = performance.now()
      this.history.failures.push({ ...{ by, at, sentMs, endedMs, what: call.what }, ...rest })
      return null
    }
    try {
      const received = await this.send(instance, token, call)
      const { status, headers, text } = received
      const [body, answeredMs] = [jsonIn(text), performance.now()]
      if (status === 200) return { at, sentMs, answeredMs, status, body, isKept: isKept(headers) }
      const code = codeIn(body)
      if (code !== null && expected.includes(code)) return { at, sentMs, answeredMs, status, body, isKept: false }
      return failed({ kind: 'answered', status, code, saysWhenToRetry: saysWhenToRetry(received, body) })
    } catch (error) {
      const kind = error instanceof Silence ? 'silent' : 'cut'
      return failed({ kind, status: null, code: String(error), saysWhenToRetry: false })
    }
  }

  close(): void {
    this.agent.destroy()
  }

  private send(instance: GantryInstance, token: string | null, { method, path, body }: Call): Promise<Received> {
    const { address } = instance
    if (address === null) return Promise.reject(new Error(`${instance.name} is down`))
    const content = body === undefined ? undefined : JSON.stringify(body)
    return new Promise((resolve, reject) => {
      const headers = {
        ...(token !== null && { authorization: `Bearer ${token}` }),
        ...(content !== undefined && { 'content-type': 'application/json' }),
      }
      const req = request({ ...address, agent: this.agent, method, path, headers }, (res) => {
        let text = ''
        res.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk
          if (text.length > MOST_BYTES) req.destroy(new Error('the answer has no end'))
        })
        res
          .once('error', reject)
          .once('end', () => resolve({ status: res.statusCode ?? 0, headers: res.headers, text }))
      })
      const timer = setTimeout(() => req.destroy(new Silence()), SILENT_MS)
      req.once('error', reject).once('close', () => clearTimeout(timer))
      req.end(content)
    })
  }
}

class Silence extends Error {}

const isKept = (headers: Received['headers']): boolean => headers['cache-status'] === 'Gantry; hit'
