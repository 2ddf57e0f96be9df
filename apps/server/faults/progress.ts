const ESC = '\u001b['
const PLAIN_EVERY_MS = 10_000

/**
 * Tells a person who watches what goes on: one line for each thing that runs, which changes on a terminal; elsewhere one
 * line of each in ten seconds.
 */
export class Progress {
  private readonly running = new Map<string, string>()
  private readonly toldMs = new Map<string, number>()
  private shown = 0

  constructor(private readonly out: NodeJS.WriteStream) {}

  /** A line that stays. */
  line(text: string): void {
    this.wipe()
    this.out.write(`${text}\n`)
    this.show()
  }

  /** How it stands with one of the things that run. */
  status(name: string, text: string): void {
    this.running.set(name, text)
    if (this.out.isTTY) {
      this.wipe()
      this.show()
      return
    }
    if (performance.now() - (this.toldMs.get(name) ?? -PLAIN_EVERY_MS) < PLAIN_EVERY_MS) return
    this.toldMs.set(name, performance.now())
    this.out.write(`${text}\n`)
  }

  /** It runs no more. */
  over(name: string): void {
    this.wipe()
    this.running.delete(name)
    this.show()
  }

  private show(): void {
    if (!this.out.isTTY) return
    const width = (this.out.columns || 80) - 1
    for (const text of this.running.values()) this.out.write(`${text.slice(0, width)}\n`)
    this.shown = this.running.size
  }

  private wipe(): void {
    if (this.shown > 0) this.out.write(`${ESC}${this.shown}F${ESC}0J`)
    this.shown = 0
  }
}

export const clockTime = (ms: number): string => {
  const seconds = Math.round(ms / 1000)
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
}
