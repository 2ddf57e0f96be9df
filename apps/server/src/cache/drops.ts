/** What is no longer true. */
export interface Drop {
  tags: readonly string[]
  keys: readonly string[]
  patterns: readonly string[]
  /** Everything; the rest is then of no account. */
  all?: boolean
}

export const dropOf = (part: Partial<Drop>): Drop => ({ tags: [], keys: [], patterns: [], ...part })

/** More than this is not worth the book-keeping: everything is dropped instead. */
const MAX_OWED = 2_000

/** Drops put together: each name once, and everything when there are too many. */
export class DropSum {
  private tags = new Set<string>()
  private keys = new Set<string>()
  private patterns = new Set<string>()
  private all = false

  get isEmpty(): boolean {
    return !this.all && this.tags.size + this.keys.size + this.patterns.size === 0
  }

  add({ tags, keys, patterns, all = false }: Drop): void {
    this.all ||= all
    for (const tag of tags) this.tags.add(tag)
    for (const key of keys) this.keys.add(key)
    for (const pattern of patterns) this.patterns.add(pattern)
    if (this.tags.size + this.keys.size + this.patterns.size > MAX_OWED) this.all = true
    if (this.all) for (const set of [this.tags, this.keys, this.patterns]) set.clear()
  }

  take(): Drop {
    const { tags, keys, patterns, all } = this
    this.tags = new Set()
    this.keys = new Set()
    this.patterns = new Set()
    this.all = false
    return { tags: [...tags], keys: [...keys], patterns: [...patterns], all }
  }
}

/** Whether the text matches; only `*` is special. Takes time in proportion to the text, however many stars there are. */
export const matches = (pattern: string, text: string): boolean => {
  const parts = pattern.split('*')
  const [first = '', last = ''] = [parts[0], parts.at(-1)]
  if (parts.length === 1) return text === pattern
  if (!text.startsWith(first) || !text.endsWith(last) || text.length < first.length + last.length) return false
  const end = text.length - last.length
  let at = first.length
  for (const part of parts.slice(1, -1)) {
    const found = text.indexOf(part, at)
    if (found === -1 || found + part.length > end) return false
    at = found + part.length
  }
  return true
}

/** The pattern in the language of Redis, where more than `*` is special. */
export const redisPattern = (pattern: string): string => pattern.replaceAll(/[?[\]\\]/g, '\\$&')
