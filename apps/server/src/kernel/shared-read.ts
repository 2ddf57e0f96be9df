import type { Timers } from './clock.js'

/** Whoever asks within a time gets the same answer: many who watch cost what one costs. A failed one is not kept. */
export class SharedRead<T> {
  private kept: { atMs: number; answer: Promise<T> } | null = null

  constructor(
    private readonly load: () => Promise<T>,
    private readonly forMs: number,
    private readonly clock: Pick<Timers, 'monotonicMs'>,
  ) {}

  /** At most so old. */
  read(): Promise<T> {
    const atMs = this.clock.monotonicMs()
    if (this.kept !== null && atMs - this.kept.atMs < this.forMs) return this.kept.answer
    const kept = { atMs, answer: this.load() }
    this.kept = kept
    kept.answer.catch(() => {
      if (this.kept === kept) this.kept = null
    })
    return kept.answer
  }

  /** Something was changed by hand: whoever did it wants to see it. */
  forget(): void {
    this.kept = null
  }
}
