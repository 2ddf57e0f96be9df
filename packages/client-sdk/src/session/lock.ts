import { timeoutError } from '../errors/client-errors.js'

export type Lock = <T>(work: () => Promise<T>) => Promise<T>

interface LockManager {
  request<T>(name: string, options: { signal: AbortSignal }, work: () => Promise<T>): Promise<T>
}

/** Longer than any refresh takes with its retries. */
const LOCK_TIMEOUT_MS = 120_000

/** Lets one at a time in among all tabs of the origin, by the Web Locks API; without it, everybody. */
export const lockNamed = (name: string | undefined): Lock => {
  const { locks } = (globalThis as { navigator?: { locks?: LockManager } }).navigator ?? {}
  if (name === undefined || locks === undefined) return (work) => work()
  return async (work) => {
    const patience = new AbortController()
    const timer = setTimeout(() => patience.abort(timeoutError(LOCK_TIMEOUT_MS)), LOCK_TIMEOUT_MS)
    try {
      return await locks.request(`gantry.${name}`, { signal: patience.signal }, () => {
        clearTimeout(timer)
        return work()
      })
    } finally {
      clearTimeout(timer)
    }
  }
}
