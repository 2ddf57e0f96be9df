import type { IncomingMessage } from 'node:http'
import type { WebSocket } from 'ws'
import { selectObjects, type Status, statusDelta } from './klippy-objects.js'
import type { ObjectSelection } from './params.js'
import { ServerError } from './server-error.js'

/** What a client says about itself in `server.connection.identify`. */
export interface ClientIdentity {
  readonly name: string
  readonly version: string
  readonly type: string
  readonly url: string
}

/** One client on `/websocket`. */
export class Connection {
  #identity: ClientIdentity | null = null
  #subscription: ObjectSelection | null = null
  #lastStatus: Status = {}

  /** @param isAuthorized false until identify brings the key; the socket itself is open to all */
  constructor(
    readonly id: number,
    readonly socket: WebSocket,
    readonly request: IncomingMessage,
    public isAuthorized: boolean,
  ) {}

  get isSubscribed(): boolean {
    return this.#subscription !== null
  }

  /** @throws {ServerError} 400 for a second identify on one socket */
  requireUnidentified(): void {
    if (this.#identity) throw new ServerError(`Connection already identified: ${JSON.stringify(this.#identity)}`)
  }

  identify(identity: ClientIdentity): void {
    this.requireUnidentified()
    this.#identity = identity
  }

  send(message: Readonly<Record<string, unknown>>): void {
    if (this.socket.readyState === this.socket.OPEN) this.socket.send(JSON.stringify(message))
  }

  /** @param params left out of the message when there are none, as the real host does */
  notify(name: string, ...params: readonly unknown[]): void {
    this.send({ jsonrpc: '2.0', method: `notify_${name}`, ...(params.length > 0 && { params }) })
  }

  /**
   * Replaces the subscription; an empty selection ends it.
   * @returns the full state of what was asked for
   */
  subscribe(selection: ObjectSelection, objects: Status): Status {
    this.#subscription = Object.keys(selection).length > 0 ? selection : null
    this.#lastStatus = selectObjects(objects, selection)
    return this.#lastStatus
  }

  unsubscribe(): void {
    this.#subscription = null
    this.#lastStatus = {}
  }

  /** Sends what changed since the last report; nothing when nothing did. */
  report(objects: Status, eventTime: number): void {
    if (!this.#subscription) return
    const status = selectObjects(objects, this.#subscription)
    const delta = statusDelta(this.#lastStatus, status)
    this.#lastStatus = status
    if (delta) this.notify('status_update', delta, eventTime)
  }
}
