import type { GantryApiError } from '../errors/gantry-api-error.js'
import type { LiveSubscription } from './live-subscription.js'
import type { StreamEnd, StreamHandlers } from './stream.types.js'

/** A reader that falls so many events behind is disconnected until it has caught up. */
const MAX_QUEUED = 1_000

type OpenStream = (handlers: StreamHandlers<unknown>) => Pick<LiveSubscription, 'stop' | 'pause' | 'resume'>

const failureOf = (end: StreamEnd): GantryApiError | null => (end.type === 'failed' ? end.error : null)

/**
 * A stream as an async iterable. Leaving the loop, or the signal, closes the connection.
 * @throws GantryApiError inside the loop when the stream fails
 */
export async function* iterate(open: OpenStream, signal?: AbortSignal): AsyncGenerator<unknown, void, void> {
  const isAborted = () => signal?.aborted === true
  if (isAborted()) return
  const queue: unknown[] = []
  const over: { reason: StreamEnd | null } = { reason: null }
  let wake = (): void => undefined
  const stream = open({
    onData: (event) => {
      queue.push(event)
      if (queue.length >= MAX_QUEUED) stream.pause()
      wake()
    },
    onEnd: (reason) => {
      over.reason = reason
      wake()
    },
  })
  const onAbort = () => stream.stop()
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    for (;;) {
      while (queue.length > 0 && !isAborted()) yield queue.shift()
      if (over.reason !== null) break
      stream.resume()
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
    const failure = failureOf(over.reason)
    if (failure !== null) throw failure
  } finally {
    signal?.removeEventListener('abort', onAbort)
    stream.stop()
  }
}
