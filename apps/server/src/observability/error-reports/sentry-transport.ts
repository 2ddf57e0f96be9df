import type { TransportMakeRequestResponse, TransportRequest } from '@sentry/core'

/** A receiver that has said nothing by then has no time for us. */
const ANSWER_WITHIN_MS = 5_000

export interface PostOptions {
  url: string
  headers: Record<string, string>
  /** Aborts when this process stops. */
  ended: AbortSignal
  /** Hears of every answer that is no success, and of none at all: the library keeps such things to itself. */
  onTrouble: (about: { status: number } | { err: unknown }) => void
}

/** Posts one envelope; the library keeps away for as long as the answer's headers want. @throws what `fetch` throws */
export const postEnvelope = (options: PostOptions) => async (request: TransportRequest) => {
  try {
    return await post(options, request)
  } catch (err) {
    if (!options.ended.aborted) options.onTrouble({ err })
    throw err
  }
}

const post = async (
  { url, headers, ended, onTrouble }: PostOptions,
  { body }: TransportRequest,
): Promise<TransportMakeRequestResponse> => {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/x-sentry-envelope', ...headers },
    // The library's bytes never lie in shared memory.
    body: body as string | Uint8Array<ArrayBuffer>,
    redirect: 'error',
    signal: AbortSignal.any([ended, AbortSignal.timeout(ANSWER_WITHIN_MS)]),
  })
  await response.body?.cancel()
  if (!response.ok) onTrouble({ status: response.status })
  return {
    statusCode: response.status,
    headers: {
      'x-sentry-rate-limits': response.headers.get('x-sentry-rate-limits'),
      'retry-after': response.headers.get('retry-after'),
    },
  }
}
