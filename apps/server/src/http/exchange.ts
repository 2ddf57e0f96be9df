import { setMaxListeners } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'

import type { Actor } from '../kernel/actor.js'
import { correlationOf, type Correlation } from '../kernel/correlation.js'
import { GantryError } from '../kernel/errors.js'
import type { Logger } from '../kernel/logger.port.js'
import type { Span } from '../kernel/spans.port.js'
import type { AllowedPages, Asked } from './browsers/allowed-pages.js'
import { credentialsOf, type Credentials } from './browsers/credentials.js'
import { requestIdOf } from './request-id.js'
import { stopReceiving } from './stop-receiving.js'

/** Without the query, in which inputs stand. */
const LOGGED_URL = 500

/** Known of every request, in each line of the log that it causes. */
type RequestFields = {
  requestId: string
  method: string
  url: string
  ip: string
  userAgent: string | null
  /** Of the only call; those of a batch name themselves. */
  procedure?: string
  userId: string | null
  userRole: string | null
  sessionId: string | null
  /** Of the key that asks in the user's name. */
  apiKeyId: string | null
}

/** One request and its answer, raw, with what the pipeline found out about it. */
export class Exchange {
  readonly requestId: string
  readonly method: string
  /** As sent, without the query. */
  readonly path: string
  /** For whatever is done for this request. */
  readonly correlation: Correlation
  /** The matched route's pattern; stays small in number. */
  routePattern = 'unmatched'
  /** Headers of the answer that are not yet handed to node: together and at its end they cost half as much. */
  head: Record<string, string | number> = {}
  /** What the kept answers had; null when they were not asked. */
  cacheResult: 'hit' | 'miss' | null = null
  /** When the first byte of a live stream was ready, by `performance.now()`; null: it is no stream, or none yet. */
  streamBeganMs: number | null = null
  /** Whether the matched route is for clients of old. */
  isOld = false
  /** The error codes that the answer carries. */
  readonly errorCodes = new Set<string>()

  /** Why there is nobody left to answer. */
  private abortReason: GantryError | null = null
  private deadline: NodeJS.Timeout | undefined
  private readonly waits = new Set<(reason: GantryError) => void>()
  // What not every request asks for is made when it is asked for.
  private readonly queryText: string
  private parsedQuery: URLSearchParams | null = null
  private controller: AbortController | null = null

  private readonly about: RequestFields
  private knownActor: Actor | null = null
  private names: readonly string[] = []

  constructor(
    readonly req: IncomingMessage,
    readonly res: ServerResponse,
    readonly log: Logger,
    /** Whom it comes from. */
    readonly address: string,
    private readonly pages: AllowedPages,
    /** Null: not traced. */
    span: Span | null = null,
  ) {
    this.requestId = requestIdOf(req.headers['x-request-id'])
    this.method = req.method ?? 'GET'
    const [path, query] = splitOnce(req.url ?? '/', '?')
    this.path = path
    this.queryText = query
    this.about = {
      ...{ requestId: this.requestId, method: this.method, url: this.path.slice(0, LOGGED_URL) },
      ...{ ip: address, userAgent: req.headers['user-agent'] ?? null },
      ...{ userId: null, userRole: null, sessionId: null, apiKeyId: null },
    }
    this.correlation = correlationOf(this.about, span)
    res.on('close', () => this.onClose())
  }

  get query(): URLSearchParams {
    return (this.parsedQuery ??= new URLSearchParams(this.queryText))
  }

  /** The procedures that were asked for, as far as the router knows them. */
  get procedures(): readonly string[] {
    return this.names
  }

  set procedures(names: readonly string[]) {
    this.names = names
    if (names.length === 1) this.about.procedure = names[0]
  }

  get actor(): Actor | null {
    return this.knownActor
  }

  set actor(actor: Actor | null) {
    this.knownActor = actor
    this.about.userId = actor?.id ?? null
    this.about.userRole = actor?.role ?? null
    this.about.sessionId = actor?.sessionId ?? null
    this.about.apiKeyId = actor?.apiKeyId ?? null
  }

  /** By the rules of the matched route. @throws GantryError `CROSS_SITE_REFUSED`, `UNAUTHENTICATED` */
  credentials(): Credentials {
    return credentialsOf(this.asked, this.pages)
  }

  /** @throws GantryError `CROSS_SITE_REFUSED` */
  assertAllowedPage(): void {
    this.pages.assertAllowed(this.asked)
  }

  private get asked(): Asked {
    return { method: this.method, headers: this.req.headers, isOld: this.isOld }
  }

  get isAborted(): boolean {
    return this.abortReason !== null
  }

  /** Aborts when the client is gone or the deadline has passed; the reason is a `GantryError`. */
  get signal(): AbortSignal {
    if (this.controller === null) {
      this.controller = new AbortController()
      // Every call of a batch listens; how many there may be is limited elsewhere.
      setMaxListeners(0, this.controller.signal)
      if (this.abortReason !== null) this.controller.abort(this.abortReason)
    }
    return this.controller.signal
  }

  /**
   * The promise's result, or the reason as soon as the exchange is aborted. A signal with its listeners would cost more
   * than what is waited for mostly does.
   */
  unlessAborted<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const fail = (reason: Error) => {
        this.waits.delete(fail)
        reject(reason)
      }
      this.waits.add(fail)
      if (this.abortReason !== null) fail(this.abortReason)
      promise.then((value) => {
        this.waits.delete(fail)
        resolve(value)
      }, fail)
    })
  }

  /** Hands the headers so far to node, for whoever answers in its own way. */
  applyHead(): void {
    const { head } = this
    this.head = {}
    for (const name of Object.keys(head)) this.res.setHeader(name, head[name] ?? '')
  }

  /** From now on the answer must come within `ms`. */
  startDeadline(ms: number): void {
    this.deadline = setTimeout(() => this.abort('DEADLINE_EXCEEDED'), ms)
  }

  private onClose(): void {
    clearTimeout(this.deadline)
    if (!this.res.writableFinished) this.abort('REQUEST_ABORTED')
    // Answered without its body, which could else go on for ever.
    else stopReceiving(this.req)
  }

  private abort(code: 'DEADLINE_EXCEEDED' | 'REQUEST_ABORTED'): void {
    if (this.abortReason !== null) return
    this.abortReason = new GantryError(code)
    for (const fail of this.waits) fail(this.abortReason)
    this.controller?.abort(this.abortReason)
  }
}

const splitOnce = (text: string, separator: string): [string, string] => {
  const at = text.indexOf(separator)
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
}
