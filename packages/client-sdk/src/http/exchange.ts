import { networkError, timeoutError } from '../errors/client-errors.js'
import { GantryApiError } from '../errors/gantry-api-error.js'
import { Deadline } from './deadline.js'

/** What the client needs of `fetch`; the global one fits. */
export type FetchLike = (url: string, init: RequestInit) => Promise<Response>

export interface ExchangeOptions {
  fetch: FetchLike
  url: string
  init: RequestInit
  /** Covers the whole exchange, its answer's body too. */
  deadline: Deadline
}

/**
 * One request and the reading of its answer.
 * @throws GantryApiError `NETWORK`, `TIMEOUT`, `ABORTED`, and what `read` throws
 */
export const exchange = async <T>(options: ExchangeOptions, read: (response: Response) => Promise<T>): Promise<T> => {
  const { fetch, url, init, deadline } = options
  try {
    const response = await deadline.race(fetch(url, { ...init, signal: deadline.signal }))
    return await deadline.race(read(response))
  } catch (cause) {
    if (deadline.signal.aborted) throw deadline.signal.reason
    throw cause instanceof GantryApiError ? cause : networkError(cause)
  }
}

/** An {@link exchange} that has to be over in `timeoutMs`. */
export const boundedExchange = async <T>(
  options: Omit<ExchangeOptions, 'deadline'> & { timeoutMs: number },
  read: (response: Response) => Promise<T>,
): Promise<T> => {
  const deadline = new Deadline(options.timeoutMs, timeoutError, options.init.signal)
  try {
    return await exchange({ ...options, deadline }, read)
  } finally {
    deadline.dispose()
  }
}

/** In place of a token that the browser holds in a cookie and sends by itself. */
export const IN_COOKIE = ''

export const bearer = (token: string | null): Record<string, string> =>
  token === null || token === IN_COOKIE ? {} : { Authorization: `Bearer ${token}` }
