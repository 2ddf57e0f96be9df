import { badResponse, timeoutError } from '../errors/client-errors.js'
import { apiErrorOf } from '../errors/api-error-of.js'
import type { GantryApiError } from '../errors/gantry-api-error.js'
import { Deadline } from '../http/deadline.js'
import { bearer, exchange, type FetchLike } from '../http/exchange.js'

export interface EventStreamFetchOptions {
  fetch: FetchLike
  /** Until the answer's head; the stream itself is watched by its pings. */
  timeoutMs: number
  token: string | null
  /** An `EventSource` tells nothing of an answer that is no stream, so it is told here. */
  onRefused: (error: GantryApiError) => void
}

const isEventStream = ({ status, headers }: Response) =>
  status === 200 && headers.get('content-type')?.startsWith('text/event-stream') === true

/** The `fetch` of an `EventSource`: with a deadline, and with the token in a header, never in the URL. */
export const eventStreamFetch =
  ({ fetch, timeoutMs, token, onRefused }: EventStreamFetchOptions) =>
  async (url: string | URL, init: RequestInit): Promise<Response> => {
    const { signal } = init
    const deadline = new Deadline(timeoutMs, timeoutError, signal)
    const headers = { ...(init.headers as Record<string, string>), ...bearer(token) }
    try {
      return await exchange({ fetch, url: String(url), init: { ...init, headers }, deadline }, (response) => {
        if (isEventStream(response)) return Promise.resolve(response)
        response.body?.cancel().catch(() => undefined)
        return Promise.reject(badResponse(response.status))
      })
    } catch (error) {
      if (signal?.aborted !== true) onRefused(apiErrorOf(error))
      throw error
    } finally {
      deadline.release()
    }
  }
