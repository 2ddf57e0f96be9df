/** So often a text has to come before it is worth a plan that is kept. */
const SEEN_OFTEN = 3
/** Each connection keeps a plan of each name, some tens of kilobytes. */
const MOST_NAMES = 200
/** Texts that are counted at once; lists of parameters of all lengths make many that never come again. */
const MOST_COUNTED = 2_000

/**
 * Names for the statements that come often, under which PostgreSQL keeps them parsed and planned on each connection: a
 * third of what a claim costs is planning. What comes rarely has none and is planned each time.
 */
export class StatementNames {
  private readonly names = new Map<string, string>()
  private readonly seen = new Map<string, number>()
  private generation = 0

  /** @returns '' for a statement that is not to be kept */
  nameOf(sql: string): string {
    const known = this.names.get(sql)
    if (known !== undefined) return known
    if (this.names.size >= MOST_NAMES) return ''
    const times = (this.seen.get(sql) ?? 0) + 1
    if (times < SEEN_OFTEN) {
      if (this.seen.size === MOST_COUNTED) this.seen.clear()
      this.seen.set(sql, times)
      return ''
    }
    return this.named(sql)
  }

  /** For the few statements that are known beforehand to come often: they have a name from the first time on. */
  alwaysNameOf(sql: string): string {
    return this.names.get(sql) ?? this.named(sql)
  }

  private named(sql: string): string {
    this.seen.delete(sql)
    const name = `gantry_${this.generation}_${this.names.size}`
    this.names.set(sql, name)
    return name
  }

  /** All that is kept is out of date: a migration changed the tables. Under new names everything is planned anew. */
  renew(): void {
    this.generation += 1
    this.names.clear()
  }
}
