import type { GantryApiError } from '../errors/gantry-api-error.js'

/**
 * Why a stream is over. `stopped`: its user wanted it. `completed`: the server had nothing more to say. `failed`: it
 * cannot go on, for example because the session is over (`SESSION_ENDED`).
 */
export type StreamEnd = { type: 'stopped' } | { type: 'completed' } | { type: 'failed'; error: GantryApiError }

/** `waiting`: the connection broke because of `error` and is tried again in `retryInMs`. */
export type StreamConnection =
  { state: 'connecting' } | { state: 'open' } | { state: 'waiting'; error: GantryApiError; retryInMs: number }

export interface StreamHandlers<T> {
  /** @param cursor of this event, to go on after it later as `lastEventId`; null where streams begin with a snapshot */
  onData: (event: T, cursor: string | null) => void
  /** The stream has failed and does not come back by itself. Broken connections are no failure. */
  onError?: (error: GantryApiError) => void
  /** Called once, however the stream ended, after `onError`. */
  onEnd?: (end: StreamEnd) => void
  /** For a sign that what is shown may be old. */
  onConnection?: (connection: StreamConnection) => void
}

/** Ends a stream; nothing is called any more but `onEnd`. */
export type StopStream = () => void

export interface IterateOptions {
  /** Ends the iteration without an error. */
  signal?: AbortSignal
}
