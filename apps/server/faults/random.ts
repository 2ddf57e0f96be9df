import { createHash } from 'node:crypto'

/**
 * Draws that depend on a seed and a label alone. Each thing that is drawn for has a stream of its own, so that no draw
 * depends on which of two processes happened to be faster.
 */
export class SeededRandom {
  private state: number

  constructor(
    readonly seed: string,
    label = '',
  ) {
    this.state = createHash('sha256').update(`${seed}\n${label}`).digest().readUInt32LE(0)
  }

  /** An independent stream of the same seed. */
  stream(label: string): SeededRandom {
    return new SeededRandom(this.seed, label)
  }

  /** From 0 up to, but not including, 1 (mulberry32). */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0
    let t = this.state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }

  between(low: number, high: number): number {
    return low + this.next() * (high - low)
  }

  /** A whole number, both ends included. */
  whole(low: number, high: number): number {
    return Math.floor(this.between(low, high + 1))
  }

  /** @throws RangeError when there is nothing to choose from */
  pick<T>(choices: readonly T[]): T {
    const chosen = choices[this.whole(0, choices.length - 1)]
    if (chosen === undefined) throw new RangeError('there is nothing to choose from')
    return chosen
  }

  chance(probability: number): boolean {
    return this.next() < probability
  }
}
