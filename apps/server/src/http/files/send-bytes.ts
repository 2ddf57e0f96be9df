import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

import type { Exchange } from '../exchange.js'
import { hangUpWhenStalled } from '../when-stalled.js'

/** Sends the body of an answer whose head is written; one whose client takes nothing for `stallMs` is given up. */
export const sendBytes = async (exchange: Exchange, source: Readable, stallMs: number): Promise<void> => {
  const { res, method } = exchange
  const over = hangUpWhenStalled(exchange, stallMs)
  try {
    if (method === 'HEAD') {
      source.destroy()
      res.end()
    } else await pipeline(source, res)
  } finally {
    over()
  }
}
