import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

import type { Exchange } from '../exchange.js'

/** Sends the body of an answer whose head is written; one whose client takes nothing for `stallMs` is given up. */
export const sendBytes = async ({ req, res, method }: Exchange, source: Readable, stallMs: number): Promise<void> => {
  const onStall = () => res.destroy()
  req.socket.setTimeout(stallMs, onStall)
  try {
    if (method === 'HEAD') {
      source.destroy()
      res.end()
    } else await pipeline(source, res)
  } finally {
    req.socket.setTimeout(0).off('timeout', onStall)
  }
}
