import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

import type { Exchange } from '../exchange.js'

/** Sends the body of an answer whose head is written. */
export const sendBytes = async ({ res, method }: Exchange, source: Readable): Promise<void> => {
  if (method === 'HEAD') {
    source.destroy()
    res.end()
  } else await pipeline(source, res)
}
