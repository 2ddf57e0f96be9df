import { GantryApiError } from './gantry-api-error.js'

/** What proxies answer while the server behind them is away. */
const GATEWAY_STATUSES = [429, 502, 503, 504]

export const networkError = (cause?: unknown) =>
  new GantryApiError({ code: 'NETWORK', message: 'The server cannot be reached.', retryable: true, cause })

export const timeoutError = (timeoutMs: number) =>
  new GantryApiError({
    code: 'TIMEOUT',
    message: `The server did not answer within ${Math.round(timeoutMs / 1_000)} s.`,
    params: { timeoutMs },
    retryable: true,
  })

export const stallError = (timeoutMs: number) =>
  new GantryApiError({
    code: 'TIMEOUT',
    message: `The transfer stood still for ${Math.round(timeoutMs / 1_000)} s.`,
    params: { timeoutMs },
    retryable: true,
  })

export const abortedError = (cause?: unknown) =>
  new GantryApiError({ code: 'ABORTED', message: 'The call was aborted.', cause })

export const badResponse = (status: number, cause?: unknown) =>
  new GantryApiError({
    code: 'BAD_RESPONSE',
    message: `Something other than Gantry answered (HTTP ${status}).`,
    status,
    retryable: GATEWAY_STATUSES.includes(status),
    cause,
  })

export const sourceFailed = (cause: unknown) =>
  new GantryApiError({ code: 'SOURCE_FAILED', message: 'The file could not be read.', cause })
