import type { Exchange } from './exchange.js'

/**
 * Hangs up when the client takes nothing for so long, until what is returned is called. What waits for it meanwhile is
 * bounded by whoever writes: nobody writes to a full connection.
 */
export const hangUpWhenStalled = ({ req, res }: Exchange, stallMs: number): (() => void) => {
  const onStall = () => res.destroy()
  req.socket.setTimeout(stallMs, onStall)
  return () => void req.socket.setTimeout(0).off('timeout', onStall)
}
