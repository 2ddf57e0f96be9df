const MASK = '[redacted]'
const MAX_DEPTH = 6
const MAX_MEMBERS = 100
const MAX_TEXT = 8_000

/** Names of fields that hold secrets, compared without case, `-` and `_`. */
const SECRET_KEY =
  /authorization|cookie|password|passphrase|secret|token$|apikey|accesscode|privatekey|sealedkey|credential|ticket$/

const PATTERNS: readonly (readonly [RegExp, string])[] = [
  [/\b(bearer|basic)\s+[\w.~+/=-]{6,}/gi, `$1 ${MASK}`],
  // Signed tokens, wherever they stand.
  [/\beyJ[\w-]{8,}\.[\w-]+(\.[\w-]+)?/g, MASK],
  [/\bgty_[\w-]{6,}/g, MASK],
  [/(\b[a-z][a-z\d+.-]*:\/\/)[^\s/@]+@/gi, `$1${MASK}@`],
  [/([?&](?:token|key|apikey|api_key|access_token|ticket|password|secret|signature)=)[^&\s"']+/gi, `$1${MASK}`],
]

/** Stands in every text that one of the patterns would change; nearly all texts hold none of it. */
const SUSPICIOUS = /bearer\s|basic\s|eyj|gty_|:\/\/|[?&]\w+=/i

/** Takes secrets out of a text by their form; cuts very long texts. */
export const redactText = (text: string): string => {
  const short = text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text
  if (!SUSPICIOUS.test(short)) return short
  return PATTERNS.reduce((clean, [pattern, mask]) => clean.replace(pattern, mask), short)
}

/** Names come again and again; those beyond this number are looked at each time. */
const MAX_NAMES = 1_000
const secretNames = new Map<string, boolean>()

const isSecretKey = (key: string): boolean => {
  const known = secretNames.get(key)
  if (known !== undefined) return known
  const isSecret = SECRET_KEY.test(key.toLowerCase().replaceAll(/[-_]/g, ''))
  if (secretNames.size < MAX_NAMES) secretNames.set(key, isSecret)
  return isSecret
}

const errorFields = (error: Error, depth: number): Record<string, unknown> => ({
  type: error.name,
  message: redactText(error.message),
  ...('code' in error && { code: error.code }),
  ...('params' in error && { params: redactAt(error.params, depth + 1) }),
  stack: error.stack === undefined ? undefined : redactText(error.stack),
  ...(error.cause !== undefined && { cause: redactAt(error.cause, depth + 1) }),
})

const redactObject = (value: object, depth: number): unknown => {
  if (value instanceof Error) return errorFields(value, depth)
  if (value instanceof Date) return value
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`
  if (Array.isArray(value)) return value.slice(0, MAX_MEMBERS).map((member) => redactAt(member, depth + 1))
  return redactMembers(value as Record<string, unknown>, depth)
}

/** Every line of the log comes by here, so that it makes no lists on its way. */
const redactMembers = (members: Record<string, unknown>, depth: number): Record<string, unknown> => {
  const copy: Record<string, unknown> = {}
  let count = 0
  for (const key of Object.keys(members)) {
    if (count === MAX_MEMBERS) break
    count += 1
    // Would become the copy's prototype.
    if (key !== '__proto__') copy[key] = isSecretKey(key) ? MASK : redactAt(members[key], depth + 1)
  }
  return copy
}

const redactAt = (value: unknown, depth: number): unknown => {
  if (typeof value === 'string') return redactText(value)
  if (typeof value === 'bigint') return value.toString()
  if (typeof value !== 'object' || value === null) return value
  return depth >= MAX_DEPTH ? '[deeper]' : redactObject(value, depth)
}

/** A copy without secrets: by the names of fields and by the form of texts; bounded in depth and breadth. */
export const redact = (fields: object): object => redactAt(fields, 0) as object
