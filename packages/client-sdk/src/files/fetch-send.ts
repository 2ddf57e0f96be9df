import { networkError, sourceFailed } from '../errors/client-errors.js'
import type { GantryApiError } from '../errors/gantry-api-error.js'
import type { FetchLike } from '../http/exchange.js'
import type { SendAnswer, SendRequest } from './upload.types.js'

/** A stream that reads ahead nothing, counts what is taken, and tells when its source fails. */
const countedStream = (
  chunks: AsyncIterable<Uint8Array>,
  onSent: (sentBytes: number) => void,
  onFailure: (cause: unknown) => void,
): ReadableStream<Uint8Array> => {
  const iterator = chunks[Symbol.asyncIterator]()
  let sentBytes = 0
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        try {
          const step = await iterator.next()
          if (step.done === true) {
            controller.close()
            return
          }
          sentBytes += step.value.byteLength
          controller.enqueue(step.value)
          onSent(sentBytes)
        } catch (cause) {
          onFailure(cause)
          controller.error(cause)
        }
      },
      cancel: async () => {
        await iterator.return?.()
      },
    },
    { highWaterMark: 0 },
  )
}

/** Sends by `fetch` as a stream, so that no file is ever held in memory as a whole. */
export const streamSend = async (
  fetch: FetchLike,
  chunks: AsyncIterable<Uint8Array>,
  { url, headers, onSent, signal }: SendRequest,
): Promise<SendAnswer> => {
  const failure: { error: GantryApiError | null } = { error: null }
  const body = countedStream(chunks, onSent, (cause) => {
    failure.error = sourceFailed(cause)
  })
  // Streams are sent while the answer is not awaited yet; the field is missing from some platforms' types.
  const init = { method: 'POST', headers, body, signal, duplex: 'half' } as RequestInit
  return answered(fetch(url, init), () => failure.error)
}

/** Sends by `fetch` all at once: what browsers can do with any server, without telling how far it is. */
export const wholeSend = (
  fetch: FetchLike,
  body: Blob,
  { url, headers, onSent, signal }: SendRequest,
): Promise<SendAnswer> => {
  const init = { method: 'POST', headers, body, signal }
  return answered(fetch(url, init), () => null).then((answer) => {
    onSent(body.size)
    return answer
  })
}

const answered = async (call: Promise<Response>, failure: () => GantryApiError | null): Promise<SendAnswer> => {
  try {
    const response = await call
    return { status: response.status, text: await response.text() }
  } catch (cause) {
    throw failure() ?? networkError(cause)
  }
}
