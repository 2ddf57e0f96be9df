import type { DestinationStream } from 'pino'

/** More than this is written at once, so that a burst does not grow in memory. */
const MOST_CHARACTERS = 64 * 1024

/**
 * Writes what is logged in one turn of the event loop with one call, at its end: a server that answers many requests in
 * a turn else asks the system once for each. When the process ends in whatever order, what is left is written; one that
 * is killed loses the lines of the turn that it died in.
 */
export class LinesOfOneTurn implements DestinationStream {
  private lines = ''
  private readonly flush = () => this.writeAll()

  /** @param target writes before it returns */
  constructor(private readonly target: DestinationStream) {}

  write(line: string): void {
    if (this.lines === '') {
      setImmediate(this.flush)
      process.once('exit', this.flush)
    }
    this.lines += line
    if (this.lines.length > MOST_CHARACTERS) this.writeAll()
  }

  private writeAll(): void {
    if (this.lines === '') return
    const { lines } = this
    this.lines = ''
    process.off('exit', this.flush)
    this.target.write(lines)
  }
}
