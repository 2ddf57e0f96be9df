/** The one form of a date that senders of HTTP may still write (RFC 9110, 5.6.7). */
const HTTP_DATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/
const SECONDS = /^\d{1,9}$/

/**
 * How long the sender of the header wants to be left alone.
 * @returns milliseconds from now, never less than 0; null where nothing is said that can be understood
 */
export const retryAfterMs = (header: string | string[] | undefined, nowMs: number): number | null => {
  if (typeof header !== 'string') return null
  if (SECONDS.test(header)) return Number(header) * 1_000
  const atMs = HTTP_DATE.test(header) ? Date.parse(header) : NaN
  return Number.isNaN(atMs) ? null : Math.max(0, atMs - nowMs)
}
