import type { Socket } from 'node:net'

/** Whoever takes less of what waits for him, all the while, counts as one who takes nothing. */
const TRICKLE_BYTES = 16_384

/** What node:net itself tells a slow connection from a stalled one by. Unlike `Socket.writableLength` it knows of parts. */
interface Handle {
  /** Handed to the kernel, or waiting for it. */
  bytesWritten: number
  writeQueueSize: number
}

const takenOf = (socket: Socket): number => {
  const handle = (socket as Socket & { _handle?: Handle | null })._handle
  return handle === undefined || handle === null ? 0 : handle.bytesWritten - handle.writeQueueSize
}

/**
 * How long the client of a connection has been leaving what was sent to it. What it sends meanwhile changes nothing, as it
 * would with `Socket.setTimeout`.
 */
export class StallWatch {
  private since: { ms: number; taken: number } | null = null

  constructor(private readonly socket: Socket) {}

  /** @param now of the process's monotonic clock. @returns 0 when it was not behind the last time either */
  stalledMs(now: number): number {
    const taken = takenOf(this.socket)
    if (this.socket.writableLength === 0) this.since = null
    else if (this.since === null || taken - this.since.taken >= TRICKLE_BYTES) this.since = { ms: now, taken }
    return this.since === null ? 0 : now - this.since.ms
  }
}
