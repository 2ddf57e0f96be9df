import type { IncomingMessage } from 'node:http'

/** How long a client may go on sending a body that nobody wants, so that it gets to read the answer. */
const LINGER_MS = 2_000

/**
 * Drops what still comes of a body, for a while, and then ends its connection.
 * @returns whether anything may still come
 */
export const stopReceiving = (req: IncomingMessage): boolean => {
  if (req.complete || req.destroyed) return false
  req.resume()
  const linger = setTimeout(() => req.destroy(), LINGER_MS).unref()
  req.once('close', () => clearTimeout(linger))
  return true
}
