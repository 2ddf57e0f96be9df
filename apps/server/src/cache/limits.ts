/** What callers may ask for; beyond it they are told so, since a cache that keeps anything keeps the wrong things. */
export const MAX_KEYS_AT_ONCE = 1_000
export const MAX_TAGS = 32
export const MAX_TEXT_LENGTH = 512
/** Thirty days. */
const MAX_TTL_SECONDS = 2_592_000
const MAX_STARS = 8

/** Larger values are not kept, and nothing is unpacked beyond this size. */
export const MAX_VALUE_BYTES = 16 * 1024 * 1024

const DEFAULT_STALE_CAP_SECONDS = 3_600

const checkedText = (what: string, text: string): void => {
  if (text.length === 0 || text.length > MAX_TEXT_LENGTH)
    throw new RangeError(`a ${what} has 1 to ${MAX_TEXT_LENGTH} characters, not ${text.length}`)
}

/** @throws RangeError */
export const checkKeys = (keys: readonly string[]): void => {
  if (keys.length > MAX_KEYS_AT_ONCE) throw new RangeError(`at most ${MAX_KEYS_AT_ONCE} keys at once`)
  for (const key of keys) checkedText('key', key)
}

/** @throws RangeError */
export const checkTags = (tags: readonly string[]): void => {
  if (tags.length > MAX_TAGS) throw new RangeError(`at most ${MAX_TAGS} tags, not ${tags.length}`)
  for (const tag of tags) {
    checkedText('tag', tag)
    // The stored form separates tags by these.
    if (/[\t\n]/.test(tag)) throw new RangeError('a tag has no tabs and no line breaks')
  }
}

/** @throws RangeError */
export const checkPattern = (pattern: string): void => {
  checkedText('pattern', pattern)
  if (pattern.split('*').length - 1 > MAX_STARS) throw new RangeError(`at most ${MAX_STARS} stars in a pattern`)
}

export interface Lifetime {
  /** Until then the value is fresh; milliseconds after it was made. */
  freshMs: number
  /** From then on it is gone. */
  hardMs: number
}

/** @throws RangeError */
export const lifetimeOf = ({ ttl, staleTtl }: { ttl: number; staleTtl?: number }): Lifetime => {
  const stale = staleTtl ?? Math.min(ttl, DEFAULT_STALE_CAP_SECONDS)
  if (!(ttl > 0 && ttl <= MAX_TTL_SECONDS)) throw new RangeError(`ttl is seconds up to ${MAX_TTL_SECONDS}, not ${ttl}`)
  if (!(stale >= 0 && stale <= MAX_TTL_SECONDS))
    throw new RangeError(`staleTtl is seconds up to ${MAX_TTL_SECONDS}, not ${stale}`)
  return { freshMs: Math.ceil(ttl * 1_000), hardMs: Math.ceil((ttl + stale) * 1_000) }
}
