const MIN_RETRY_MS = 1_000
const RETRY_SPREAD_MS = 3_000

/**
 * Tells the browser when to come back after a break; spread, so that a restart does not bring everybody at once. Whether
 * the connection outlasts the stream is not tRPC's to say: its client may have said that it does not, and a server that
 * stops does so too.
 */
export const withRetryHint = (response: Response): Response => {
  if (response.body === null) return response
  const retryMs = Math.round(MIN_RETRY_MS + Math.random() * RETRY_SPREAD_MS)
  const hint = new TransformStream<Uint8Array, Uint8Array>({
    start: (controller) => controller.enqueue(new TextEncoder().encode(`retry: ${retryMs}\n\n`)),
  })
  const headers = new Headers(response.headers)
  headers.delete('connection')
  return new Response(response.body.pipeThrough(hint), { status: response.status, headers })
}
