import { NetError } from './net-error.js'

/** A signal that fires when the caller's does or when its time is up, and that leaves nothing behind once disposed. */
export interface Deadline extends Disposable {
  readonly signal: AbortSignal
  /** Starts the time anew, for work that shows progress. */
  restart(): void
}

/** `AbortSignal.any` would keep something on a long-lived signal for every request; this lets go. */
export const createDeadline = (milliseconds: number, what: string, outer?: AbortSignal): Deadline => {
  const controller = new AbortController()
  const expire = () => controller.abort(new NetError('timeout', `${what} did not answer within ${milliseconds} ms`))
  const abort = () => controller.abort(new NetError('aborted', `${what}: given up`, { cause: outer?.reason }))
  const timer = setTimeout(expire, milliseconds)
  if (outer?.aborted === true) abort()
  else outer?.addEventListener('abort', abort, { once: true })
  let over = false
  return {
    signal: controller.signal,
    restart() {
      // Refreshing a cleared timer would start it again.
      if (!over) timer.refresh()
    },
    [Symbol.dispose]() {
      over = true
      clearTimeout(timer)
      outer?.removeEventListener('abort', abort)
    },
  }
}
