import { GantryError } from '../../kernel/index.js'

/** Uploads that one person may have under way at once. */
export const UPLOADS_AT_ONCE = 4

/** Counts the uploads under way, so that nobody takes all connections and all of the disk that is not counted yet. */
export class UploadsUnderWay {
  private readonly counts = new Map<string, number>()

  /** @throws GantryError `RATE_LIMITED`, else what `receive` throws */
  async run<T>(actorId: string, receive: () => Promise<T>): Promise<T> {
    const held = this.counts.get(actorId) ?? 0
    if (held >= UPLOADS_AT_ONCE) {
      throw new GantryError('RATE_LIMITED', { params: { limit: UPLOADS_AT_ONCE, of: 'uploads at once' } })
    }
    this.counts.set(actorId, held + 1)
    try {
      return await receive()
    } finally {
      this.leave(actorId)
    }
  }

  private leave(actorId: string): void {
    const held = (this.counts.get(actorId) ?? 1) - 1
    if (held > 0) this.counts.set(actorId, held)
    else this.counts.delete(actorId)
  }
}
