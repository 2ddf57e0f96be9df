interface Mark {
  atMs: number
  lsn: bigint
}

/** Ten minutes at four a second: so far back a replica's lag is known as a number. */
const KEPT = 2_400

/**
 * Where the primary stood, and when it was asked. A replica that has replayed what stood there at a moment shows every
 * commit that was answered before that moment: that tells its age without comparing the clocks of two machines, and an
 * idle primary does not make it look old.
 */
export class PrimaryMarks {
  private marks: Mark[] = []
  private origin: string | null = null

  /** @param atMs when the question was sent. @returns false when this is another history: nothing known before counts any more */
  put(atMs: number, lsn: bigint, origin: string): boolean {
    const last = this.marks.at(-1)
    const goesOn = last === undefined || (this.origin === origin && last.lsn <= lsn)
    if (!goesOn) this.marks = []
    this.origin = origin
    this.marks.push({ atMs, lsn })
    if (this.marks.length > KEPT) this.marks.shift()
    return goesOn
  }

  /** Whether a server belongs to the primary; null while the primary has not said yet who it is. */
  isOf(origin: string): boolean | null {
    return this.origin === null ? null : this.origin === origin
  }

  /** The latest moment of which everything is replayed at `lsn`; null when that is too long ago. */
  reachedAt(lsn: bigint): number | null {
    return this.marks.findLast((mark) => mark.lsn <= lsn)?.atMs ?? null
  }
}
