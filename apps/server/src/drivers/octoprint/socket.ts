import { DriverError } from '../../modules/printers/printer-driver.port.js'
import type { Connector } from '../../net/connector.js'
import type { OutboundSocket } from '../../net/web-socket.js'
import { driverErrorOf } from '../driver-error-of.js'
import type { OctoPrintClient } from './client.js'
import { type EventPayload, frameMessage, type StatusPayload } from './wire.js'

export interface SocketOptions {
  /** How long `history` may take to follow `auth`. @default 5000 */
  historyTimeoutMs?: number
  /** @default 20_000 */
  pingIntervalMs?: number
  /** @default 10_000 */
  pongTimeoutMs?: number
}

export interface SocketHandlers {
  onStatus(status: StatusPayload): void
  onEvent(event: EventPayload): void
}

/** Longer frames are dropped by ending the connection; a `history` with hours of temperatures stays well below. */
const MAX_FRAME_BYTES = 8_000_000

/** A host that forgets our session again and again would be asked to log in for ever. */
const MAX_LOGINS = 5
const LOGINS_WITHIN_MS = 60_000

/** State every second: twice OctoPrint's base interval of 500 ms. */
const THROTTLE = 2

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    // A frame that is no JSON is one that we do not read; the next one may be.
    return undefined
  }
}

/**
 * OctoPrint's push channel: log in, subscribe, authenticate, listen; logs in anew when the host forgets the session.
 * Good credentials are not acknowledged: what tells is that `history` follows.
 */
export class OctoPrintSocket {
  /** Resolves once with why the channel ended; null when we closed it. */
  readonly closed: Promise<DriverError | null>
  /** When the last frame came, by `performance.now()`. */
  lastFrameAt = performance.now()
  #socket: OutboundSocket | undefined
  #failure: DriverError | undefined
  #resolveClosed!: (error: DriverError | null) => void
  #onHistory: () => void = () => undefined
  #logins: number[] = []

  constructor(
    private readonly connector: Connector,
    private readonly client: OctoPrintClient,
    private readonly handlers: SocketHandlers,
    private readonly options: SocketOptions,
    private readonly signal: AbortSignal,
  ) {
    this.closed = new Promise((resolve) => (this.#resolveClosed = resolve))
  }

  /** @throws DriverError */
  async open(): Promise<void> {
    const { historyTimeoutMs = 5000, pingIntervalMs = 20_000, pongTimeoutMs = 10_000 } = this.options
    const login = await this.client.login(this.signal)
    const socket = await this.#connect(pingIntervalMs, pongTimeoutMs)
    this.#socket = socket
    void socket.closed.then((error) =>
      this.#resolveClosed(this.#failure ?? (error === null ? null : driverErrorOf(error))),
    )
    const history = new Promise<void>((resolve) => (this.#onHistory = resolve))
    // Subscribed before authenticated, so that no event can fall in between.
    this.#send({ subscribe: { state: { logs: false, messages: false }, events: true, plugins: false } })
    this.#send({ auth: `${login.name}:${login.session}` })
    this.#send({ throttle: THROTTLE })
    await this.#within(history, historyTimeoutMs)
  }

  /** Ends the channel; with a reason when it is of no more use. */
  close(reason?: DriverError): void {
    this.#failure ??= reason
    if (this.#socket === undefined) this.#resolveClosed(this.#failure ?? null)
    else this.#socket.close()
  }

  async #connect(pingIntervalMs: number, pongTimeoutMs: number): Promise<OutboundSocket> {
    const onMessage = (text: string) => this.#receive(text)
    const liveness = { pingIntervalMs, pongTimeoutMs, maxMessageBytes: MAX_FRAME_BYTES }
    try {
      return await this.connector.webSocket({ url: this.client.socketUrl, signal: this.signal, onMessage, ...liveness })
    } catch (error) {
      throw driverErrorOf(error)
    }
  }

  async #within(history: Promise<void>, timeoutMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(
        () => reject(new DriverError('auth', 'the host did not accept our session on its push channel')),
        timeoutMs,
      )
    })
    const ended = this.closed.then((error) => {
      throw error ?? new DriverError('aborted', 'the connection was given up')
    })
    try {
      await Promise.race([history, late, ended])
    } finally {
      clearTimeout(timer)
    }
  }

  #receive(text: string): void {
    this.lastFrameAt = performance.now()
    const frame = frameMessage.safeParse(parsed(text))
    if (!frame.success) return
    const { history, current, event, reauthRequired } = frame.data
    if (history !== undefined) this.#onHistory()
    const status = history ?? current
    if (status !== undefined) this.handlers.onStatus(status)
    if (event !== undefined) this.handlers.onEvent(event)
    if (reauthRequired !== undefined) void this.#loginAgain()
  }

  async #loginAgain(): Promise<void> {
    const now = performance.now()
    this.#logins = this.#logins.filter((at) => now - at < LOGINS_WITHIN_MS)
    if (this.#logins.length >= MAX_LOGINS) {
      this.close(new DriverError('auth', 'the host does not keep our session'))
      return
    }
    this.#logins.push(now)
    try {
      const { name, session } = await this.client.login(this.signal)
      this.#send({ auth: `${name}:${session}` })
    } catch (error) {
      this.close(driverErrorOf(error))
    }
  }

  #send(message: Record<string, unknown>): void {
    this.#socket?.send(JSON.stringify(message))
  }
}
