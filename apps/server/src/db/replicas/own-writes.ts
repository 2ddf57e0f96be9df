/**
 * When each actor wrote last, for as long as a replica may not show it yet. Writes by way of other processes are heard of
 * as notices; while none can be heard, everybody may have written.
 */
export class OwnWrites {
  private readonly latest = new Map<string, number>()
  private isListening = true
  /** Of what was written before nothing is known. */
  private unheardMs: number

  /** @param rememberedMs after that no replica that may be read is so old */
  constructor(
    private readonly rememberedMs: number,
    private readonly nowMs: () => number,
  ) {
    this.unheardMs = nowMs()
  }

  note(actorIds: readonly string[]): void {
    const atMs = this.nowMs()
    for (const id of actorIds) {
      this.latest.delete(id) // back in at the end: the map stays in the order of time
      this.latest.set(id, atMs)
    }
    for (const [id, writtenMs] of this.latest) {
      if (atMs - writtenMs <= this.rememberedMs) break
      this.latest.delete(id)
    }
  }

  /** Whether notices of other processes arrive from now on. */
  listening(isListening: boolean): void {
    this.isListening = isListening
    this.unheardMs = this.nowMs()
  }

  /** Only what shows everything up to this moment may be shown to the actor. */
  lastOf(actorId: string): number {
    if (!this.isListening) return Infinity
    return Math.max(this.unheardMs, this.latest.get(actorId) ?? -Infinity)
  }
}
