import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'

/** One request to a host, over HTTP or as a message on a push socket. */
export interface HostCall {
  readonly channel: 'http' | 'socket'
  /** HTTP method, or the JSON-RPC method of a socket message. */
  readonly method: string
  /** URL path, decoded once; empty for socket messages. */
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  /** The request itself; read its body by `readBody` or `readMultipart`. For socket messages, the upgrade request. */
  readonly request: IncomingMessage
  /** Parameters of a socket message. */
  readonly params?: unknown
  /** Awaited by an upload that has arrived whole, before the file gets its name; throws when it must not get it. */
  readonly onReceived?: () => Promise<void>
}

export interface HostReply {
  readonly status: number
  /** Sent as JSON. */
  readonly json?: unknown
  /** Sent as it is; wins over `json`. */
  readonly body?: string | Uint8Array
  readonly headers?: Readonly<Record<string, string>>
}

export type HostHandler = (call: HostCall) => Promise<HostReply>

/**
 * The one place through which every request of a host passes. `null` means that the caller gets no answer: the connection is
 * destroyed. Delays, refusals, lost or false answers are all written as such a function. A command's body was read
 * before, so that `next` works also after the caller has gone.
 */
export type HostGate = (call: HostCall, next: HostHandler) => Promise<HostReply | null>

/** Faults stand before the gate: they see every call first, and what they let pass meets the gate. */
export interface CallFaults {
  /** True when every call would simply pass. */
  readonly idle: boolean
  pass(call: HostCall, next: (call: HostCall) => Promise<HostReply | null>): Promise<HostReply | null>
}
