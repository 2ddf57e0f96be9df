import { apiErrorOf } from '../errors/api-error-of.js'
import type { GantryApiError } from '../errors/gantry-api-error.js'
import { delayBefore } from '../http/retry.js'
import { isAuthFailure, type Session } from '../session/session.js'
import type { Transport } from '../transport/transport.js'
import type { StreamConnection, StreamEnd, StreamHandlers } from './stream.types.js'

export interface StreamPorts {
  session: Pick<Session, 'token' | 'renew'>
  transport: Pick<Transport, 'subscribe'>
  /** How long to wait before connecting again, in milliseconds; doubles from the first to the second. */
  reconnect: { delayMs: number; maxDelayMs: number }
  random: () => number
}

export interface StreamRequest {
  path: string
  input: unknown
  /** Whether its items carry cursors. */
  resumable: boolean
}

/** Streams that the server ends for an unknown fault so often without a word in between do not come back. */
const MAX_INTERNAL_ERRORS = 5

/** A user's mistake in a handler is the user's to see, and must not take the stream along. */
const guarded = <A extends unknown[]>(handler: ((...args: A) => void) | undefined, ...args: A): void => {
  try {
    handler?.(...args)
  } catch (error) {
    queueMicrotask(() => {
      throw error
    })
  }
}

/** A stream over as many connections as it takes: each goes on where the last broke, with a token of its time. */
export class LiveSubscription {
  private lastEventId: string | null = null
  private close: (() => void) | null = null
  private timer: ReturnType<typeof setTimeout> | undefined
  private end: StreamEnd | null = null
  private isPaused = false
  /** Grows with every connection, so that what an old one still reports is not heard. */
  private round = 0
  /** Since the last item. */
  private failures = 0
  private refusals = 0

  constructor(
    private readonly ports: StreamPorts,
    private readonly request: StreamRequest,
    private readonly handlers: StreamHandlers<unknown>,
  ) {
    void this.connect()
  }

  stop(): void {
    this.finish({ type: 'stopped' })
  }

  /** Lets go of the connection until {@link resume}; what comes meanwhile is not lost to streams with cursors. */
  pause(): void {
    if (this.end !== null || this.isPaused) return
    this.isPaused = true
    this.disconnect()
  }

  resume(): void {
    if (this.end !== null || !this.isPaused) return
    this.isPaused = false
    void this.connect()
  }

  private async connect(): Promise<void> {
    this.round += 1
    const { round } = this
    const isCurrent = () => round === this.round && this.end === null && !this.isPaused
    this.tell({ state: 'connecting' })
    try {
      const token = await this.ports.session.token()
      if (!isCurrent()) return
      this.close = this.ports.transport.subscribe(this.request.path, this.inputNow(), {
        token,
        onOpen: () => this.tell({ state: 'open' }),
        onData: (item) => this.receive(item),
        onOver: (error) => {
          if (isCurrent()) void this.over(error, token)
        },
      })
    } catch (thrown) {
      const error = apiErrorOf(thrown)
      if (!isCurrent()) return
      if (isAuthFailure(error)) this.fail(error)
      else this.retryLater(error)
    }
  }

  private inputNow(): unknown {
    const { input } = this.request
    if (this.lastEventId === null) return input
    return { ...(input as Record<string, unknown> | undefined), lastEventId: this.lastEventId }
  }

  private receive(item: unknown): void {
    this.failures = 0
    this.refusals = 0
    const { id, data } = this.request.resumable ? (item as { id: string; data: unknown }) : { id: null, data: item }
    this.lastEventId = id
    guarded(this.handlers.onData, data, id)
  }

  private async over(error: GantryApiError | null, token: string | null): Promise<void> {
    this.close = null
    if (error === null) this.finish({ type: 'completed' })
    else if (isAuthFailure(error)) await this.reauthenticate(error, token)
    else if (error.code === 'INTERNAL' ? this.failures < MAX_INTERNAL_ERRORS : error.retryable) this.retryLater(error)
    else this.fail(error)
  }

  /** The token may just have expired, or the user's role have changed: another token tells. */
  private async reauthenticate(error: GantryApiError, token: string | null): Promise<void> {
    this.refusals += 1
    const { round } = this
    try {
      const renewed = this.refusals > 1 ? null : await this.ports.session.renew(token)
      if (this.end !== null || round !== this.round) return
      if (renewed === null) this.fail(error)
      else void this.connect()
    } catch (thrown) {
      const failure = apiErrorOf(thrown)
      if (this.end !== null || round !== this.round) return
      this.refusals = 0
      if (failure.retryable) this.retryLater(failure)
      else this.fail(failure)
    }
  }

  private retryLater(error: GantryApiError): void {
    this.failures += 1
    const retryInMs = delayBefore(this.failures, error, { ...this.ports.reconnect, random: this.ports.random })
    this.timer = setTimeout(() => void this.connect(), retryInMs)
    this.tell({ state: 'waiting', error, retryInMs })
  }

  private fail(error: GantryApiError): void {
    this.finish({ type: 'failed', error })
  }

  private finish(end: StreamEnd): void {
    if (this.end !== null) return
    this.end = end
    this.disconnect()
    if (end.type === 'failed') guarded(this.handlers.onError, end.error)
    guarded(this.handlers.onEnd, end)
  }

  private disconnect(): void {
    clearTimeout(this.timer)
    this.close?.()
    this.close = null
  }

  private tell(connection: StreamConnection): void {
    if (this.end === null) guarded(this.handlers.onConnection, connection)
  }
}
