import { abortedError } from '../errors/client-errors.js'
import type { GantryApiError } from '../errors/gantry-api-error.js'

/** Aborts when time is up or when the caller gives up; the signal's reason is a `GantryApiError`. */
export class Deadline {
  private readonly controller = new AbortController()
  private timer: ReturnType<typeof setTimeout> | undefined
  private readonly onOuterAbort = () => this.controller.abort(abortedError(this.outer?.reason))

  constructor(
    private readonly timeoutMs: number,
    private readonly late: (timeoutMs: number) => GantryApiError,
    private readonly outer?: AbortSignal | null,
  ) {
    if (outer?.aborted === true) this.onOuterAbort()
    else {
      outer?.addEventListener('abort', this.onOuterAbort, { once: true })
      this.restart()
    }
  }

  get signal(): AbortSignal {
    return this.controller.signal
  }

  /** Something happened: the time begins anew. */
  restart(): void {
    clearTimeout(this.timer)
    if (this.signal.aborted) return
    this.timer = setTimeout(() => this.controller.abort(this.late(this.timeoutMs)), this.timeoutMs)
  }

  /** The promise's outcome, or the deadline's error when that comes first, even if the promise ignores the signal. */
  race<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const onAbort = () => reject(this.signal.reason as GantryApiError)
      if (this.signal.aborted) onAbort()
      this.signal.addEventListener('abort', onAbort, { once: true })
      promise.then(resolve, reject).finally(() => this.signal.removeEventListener('abort', onAbort))
    })
  }

  /** From now on only the caller can end it. */
  release(): void {
    clearTimeout(this.timer)
  }

  /** Nobody waits any more. */
  dispose(): void {
    clearTimeout(this.timer)
    this.outer?.removeEventListener('abort', this.onOuterAbort)
  }
}

/** Rejects as soon as the signal aborts; what the promise then does concerns nobody. */
export const unlessAborted = <T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> => {
  if (signal === undefined) return promise
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(abortedError(signal.reason))
    if (signal.aborted) onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
