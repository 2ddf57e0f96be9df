import type { z } from 'zod'

import { DriverError } from '../../modules/printers/printer-driver.port.js'
import type { Connector } from '../../net/connector.js'
import { createDeadline } from '../../net/deadline.js'
import type { OutboundSocket } from '../../net/web-socket.js'

import { RpcError } from './rpc-error.js'
import { toCloseReason } from './driver-errors.js'
import { rpcMessage } from './wire.js'

export interface SocketOptions {
  url: string
  apiKey: string | null
  signal: AbortSignal
  /** How often the host is pinged, and how long it may take to answer. */
  livenessMs: number
  /** For the handshake, and for each call that names no other time. */
  answerTimeoutMs: number
  onNotification: (method: string, params: unknown) => void
}

export interface CallOptions<T> {
  signal: AbortSignal
  /** @default {@link SocketOptions.answerTimeoutMs} */
  timeoutMs?: number
  /** Called before any message that came later is looked at, which the returned promise cannot promise. */
  onResult?: (result: T) => void
}

interface PendingCall {
  settle(result: unknown): void
  fail(error: Error): void
}

/** History and file lists come in one message. */
const MAX_MESSAGE_BYTES = 8_000_000
const MAX_PENDING_CALLS = 100

/** JSON-RPC 2.0 over Moonraker's WebSocket: calls with their replies, and notifications in the order they came. */
export class RpcSocket {
  /** Resolves once with why the connection ended; null when it was closed on purpose. */
  readonly closed: Promise<DriverError | null>
  readonly #socket: OutboundSocket
  readonly #pending = new Map<number, PendingCall>()
  readonly #onNotification: SocketOptions['onNotification']
  readonly #answerTimeoutMs: number
  #nextId = 1
  #violation: DriverError | null = null
  #isClosed = false

  private constructor(socket: OutboundSocket, { onNotification, answerTimeoutMs }: SocketOptions) {
    this.#socket = socket
    this.#onNotification = onNotification
    this.#answerTimeoutMs = answerTimeoutMs
    this.closed = socket.closed.then((error) => this.#end(this.#violation ?? toCloseReason(error)))
  }

  /** @throws NetError */
  static async open(connector: Connector, options: SocketOptions): Promise<RpcSocket> {
    const early: string[] = []
    let receive = (message: string): void => void early.push(message)
    const socket = await connector.webSocket({
      url: options.url,
      headers: options.apiKey === null ? {} : { 'X-Api-Key': options.apiKey },
      signal: options.signal,
      timeoutMs: options.answerTimeoutMs,
      maxMessageBytes: MAX_MESSAGE_BYTES,
      pingIntervalMs: options.livenessMs,
      pongTimeoutMs: options.livenessMs / 2,
      onMessage: (message) => receive(message),
    })
    const rpc = new RpcSocket(socket, options)
    receive = (message) => rpc.#receive(message)
    early.forEach(receive)
    return rpc
  }

  /**
   * @throws RpcError when Moonraker refused
   * @throws NetError `timeout`, `aborted`
   * @throws DriverError `unreachable` when the connection ended first, `protocol` for a reply of another shape
   */
  async call<T>(method: string, params: object, schema: z.ZodType<T>, options: CallOptions<T>): Promise<T> {
    if (this.#isClosed) throw new DriverError('unreachable', 'the connection to Moonraker has ended')
    if (this.#pending.size >= MAX_PENDING_CALLS) throw new DriverError('busy', 'Moonraker leaves too many calls open')
    const id = this.#nextId++
    using deadline = createDeadline(options.timeoutMs ?? this.#answerTimeoutMs, `Moonraker (${method})`, options.signal)
    deadline.signal.throwIfAborted()
    try {
      return await new Promise<T>((resolve, reject) => {
        this.#pending.set(id, {
          settle: (result) => {
            const parsed = schema.safeParse(result)
            if (!parsed.success) {
              reject(unexpectedReply(method, parsed.error))
              return
            }
            options.onResult?.(parsed.data)
            resolve(parsed.data)
          },
          fail: reject,
        })
        deadline.signal.addEventListener('abort', () => reject(deadline.signal.reason as Error), { once: true })
        this.#socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }))
      })
    } finally {
      this.#pending.delete(id)
    }
  }

  close(): void {
    this.#socket.close()
  }

  /** Ends the connection because of an error of ours. */
  end(error: DriverError): void {
    this.#violation ??= error
    this.#socket.close()
  }

  #receive(text: string): void {
    const message = parseMessage(text)
    // What makes no sense is passed over; whoever waits for a reply has a deadline.
    if (message === null) return
    if (message.method !== null) this.#onNotification(message.method, message.params)
    else if (message.id !== null) this.#settle(message.id, message)
  }

  #settle(id: number, message: z.infer<typeof rpcMessage>): void {
    const call = this.#pending.get(id)
    if (call === undefined) return
    if (message.error === null) call.settle(message.result)
    else call.fail(new RpcError(message.error.code, message.error.message))
  }

  #end(reason: DriverError | null): DriverError | null {
    this.#isClosed = true
    const error = reason ?? new DriverError('unreachable', 'the connection to Moonraker was closed')
    for (const call of this.#pending.values()) call.fail(error)
    return reason
  }
}

function parseMessage(text: string): z.infer<typeof rpcMessage> | null {
  try {
    return rpcMessage.parse(JSON.parse(text))
  } catch {
    return null
  }
}

const unexpectedReply = (method: string, cause: Error) =>
  new DriverError('protocol', `Moonraker answered ${method} in an unexpected way`, { cause })
