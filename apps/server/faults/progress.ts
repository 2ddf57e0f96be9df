const ESC = '\u001b['
const PLAIN_EVERY_MS = 10_000

/** Tells a person who watches what goes on: one line that changes on a terminal, one line in ten seconds elsewhere. */
export class Progress {
  private shown = ''
  private lastMs = 0

  constructor(private readonly out: NodeJS.WriteStream) {}

  /** A line that stays. */
  line(text: string): void {
    this.wipe()
    this.out.write(`${text}\n`)
  }

  /** What is so now. */
  status(text: string): void {
    if (this.out.isTTY) {
      this.wipe()
      this.shown = text.slice(0, (this.out.columns || 80) - 1)
      this.out.write(this.shown)
      return
    }
    if (performance.now() - this.lastMs < PLAIN_EVERY_MS) return
    this.lastMs = performance.now()
    this.out.write(`${text}\n`)
  }

  private wipe(): void {
    if (this.shown !== '') this.out.write(`\r${ESC}2K`)
    this.shown = ''
  }
}

export const clockTime = (ms: number): string => {
  const seconds = Math.round(ms / 1000)
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
}
