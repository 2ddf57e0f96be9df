/** Above this a number in a comment is a mistake or a joke. */
const MAX_VALUE = 1e9
const MAX_LIST = 64
const MAX_TEXT_CHARACTERS = 200
/** Ten years. */
const MAX_SECONDS = 315_360_000

const UNIT_SECONDS: Readonly<Record<string, number>> = { d: 86_400, h: 3600, m: 60, s: 1 }
const DURATION = /^(?:\d{1,9}(?:\.\d{1,6})?\s*[dhms]\s*)+$/
const CONTROL_CHARACTERS = /\p{Cc}/gu

/** A number that is not negative, or null. */
export function parseNumber(text: string | null | undefined): number | null {
  if (text === null || text === undefined || !/^\s*\+?\d+(?:\.\d*)?\s*$|^\s*\.\d+\s*$/.test(text)) return null
  const value = Number(text)
  return value <= MAX_VALUE ? value : null
}

/** A coordinate in millimetres, which may be negative; null beyond 100 m. */
export function parseCoordinate(text: string | null): number | null {
  if (text === null || !/^-?\d{1,5}(?:\.\d{1,9})?$/.test(text)) return null
  return Number(text)
}

/** Numbers separated by commas or semicolons; an entry that is no number is null, a missing value an empty list. */
export function parseNumberList(text: string | null): (number | null)[] {
  if (text === null || text === '') return []
  return text.split(/[,;]/, MAX_LIST).map(parseNumber)
}

/** Texts separated by semicolons, each bare or in double quotes with backslash escapes. */
export function parseTextList(text: string | null): (string | null)[] {
  if (text === null || text === '') return []
  const entries = text.match(/"(?:[^"\\]|\\.)*"?|[^;"]+|(?<=;|^)(?=;|$)/g) ?? []
  return entries.slice(0, MAX_LIST).map((entry) => cleanText(unquote(entry.trim())))
}

/** Text fit to be stored and shown: no control characters, of bounded length; empty is null. */
export function cleanText(text: string | null): string | null {
  if (text === null) return null
  const clean = Array.from(text.replace(CONTROL_CHARACTERS, '').trim()).slice(0, MAX_TEXT_CHARACTERS).join('')
  return clean === '' ? null : clean
}

/** `1d 2h 3m 4s`, or plain seconds, or null. */
export function parseDurationSeconds(text: string | null): number | null {
  if (text === null) return null
  if (!DURATION.test(text)) return withinReason(parseNumber(text))
  let seconds = 0
  for (const [, amount, unit = ''] of text.matchAll(/([\d.]+)\s*([dhms])/g)) {
    seconds += Number(amount) * (UNIT_SECONDS[unit] ?? 0)
  }
  return withinReason(seconds)
}

/** Cuts the noise of binary fractions off a measure. */
export const roundTo = (value: number, decimals: number): number => {
  const factor = 10 ** decimals
  return Math.round(value * factor) / factor
}

const withinReason = (seconds: number | null): number | null =>
  seconds !== null && seconds <= MAX_SECONDS ? seconds : null

const unquote = (text: string): string =>
  text.startsWith('"') ? text.replace(/^"|"$/g, '').replace(/\\(.)/g, '$1') : text
