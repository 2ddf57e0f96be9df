import { apiErrorOf } from '../errors/api-error-of.js'
import { abortedError } from '../errors/client-errors.js'
import type { GantryApiError } from '../errors/gantry-api-error.js'

export interface RetryPolicy {
  /** Tries in all. */
  attempts: number
  /** Before the second try; doubles with each further one, and is spread by half. */
  delayMs: number
  /** A server that asks for a longer wait gets no further try. */
  maxDelayMs: number
  random: () => number
}

/** Whoever waited that long for an answer is told; another round would only double the wait. */
const isWorthAnotherTry = ({ code, retryable }: GantryApiError): boolean =>
  retryable && code !== 'TIMEOUT' && code !== 'DEADLINE_EXCEEDED' && !code.startsWith('PRINTER_')

export const sleep = (ms: number, signal?: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const onAbort = () => {
      clearTimeout(timer)
      reject(abortedError(signal?.reason))
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    }, ms)
    if (signal?.aborted === true) onAbort()
    else signal?.addEventListener('abort', onAbort, { once: true })
  })

/** Between half of the doubled delay and all of it, and never before the server wants it. */
export const delayBefore = (attempt: number, error: GantryApiError, policy: Omit<RetryPolicy, 'attempts'>): number => {
  const doubled = Math.min(policy.maxDelayMs, policy.delayMs * 2 ** Math.min(attempt - 1, 20))
  const spread = doubled * (0.5 + policy.random() / 2)
  return Math.max(spread, (error.retryAfterSeconds ?? 0) * 1_000)
}

/** Calls until it succeeds, fails for good, or the tries are used up. @throws GantryApiError the last failure */
export const retrying = async <T>(call: () => Promise<T>, policy: RetryPolicy, signal?: AbortSignal): Promise<T> => {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await call()
    } catch (thrown) {
      const error = apiErrorOf(thrown)
      const delayMs = delayBefore(attempt, error, policy)
      if (attempt >= policy.attempts || !isWorthAnotherTry(error) || delayMs > policy.maxDelayMs) throw error
      await sleep(delayMs, signal)
    }
  }
}
