import { setMaxListeners } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'

import type { Actor } from '../kernel/actor.js'
import { GantryError } from '../kernel/errors.js'
import type { Logger } from '../kernel/logger.port.js'
import { requestIdOf } from './request-id.js'

/** One request and its answer, raw, with what the pipeline found out about it. */
export class Exchange {
  readonly requestId: string
  readonly method: string
  /** As sent, without the query. */
  readonly path: string
  readonly query: URLSearchParams
  /** The peer of the connection. */
  readonly address: string
  readonly log: Logger
  actor: Actor | null = null
  /** The matched route's pattern; stays small in number. */
  routePattern = 'unmatched'
  /** The procedures that were asked for, as far as the router knows them. */
  procedures: readonly string[] = []
  /** The error codes that the answer carries. */
  readonly errorCodes = new Set<string>()

  private readonly controller = new AbortController()
  private deadline: NodeJS.Timeout | undefined

  constructor(
    readonly req: IncomingMessage,
    readonly res: ServerResponse,
    log: Logger,
  ) {
    this.requestId = requestIdOf(req.headers['x-request-id'])
    this.method = req.method ?? 'GET'
    const [path, query] = splitOnce(req.url ?? '/', '?')
    this.path = path
    this.query = new URLSearchParams(query)
    this.address = req.socket.remoteAddress ?? 'unknown'
    this.log = log.child({ requestId: this.requestId })
    // Every call of a batch listens; how many there may be is limited elsewhere.
    setMaxListeners(0, this.controller.signal)
    res.once('close', () => this.onClose())
  }

  /** Aborts when the client is gone or the deadline has passed; the reason is a `GantryError`. */
  get signal(): AbortSignal {
    return this.controller.signal
  }

  /** From now on the answer must come within `ms`. */
  startDeadline(ms: number): void {
    this.deadline = setTimeout(() => this.controller.abort(new GantryError('DEADLINE_EXCEEDED')), ms)
  }

  private onClose(): void {
    clearTimeout(this.deadline)
    if (!this.res.writableFinished) this.controller.abort(new GantryError('REQUEST_ABORTED'))
  }
}

const splitOnce = (text: string, separator: string): [string, string] => {
  const at = text.indexOf(separator)
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
}
