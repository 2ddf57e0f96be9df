import { Excerpt } from '../kernel/excerpt.js'
import { isSecretName, MASK, redactText } from './secret-texts.js'

const MAX_DEPTH = 6
const MAX_MEMBERS = 100
/** Of one line, however its members are nested. */
const MAX_VALUES = 2_000
/** A text that is longer names no field. */
const LONGEST_NAME = 40

/** Names come again and again; those beyond this number are looked at each time. */
const MAX_NAMES = 1_000
const names = new Map<string, string | null>()

/** Null: what stands under the name is secret. Names are made of foreign texts, too, and are shown without their secrets. */
const shownName = (key: string): string | null => {
  const known = names.get(key)
  if (known !== undefined) return known
  const shown = isSecretName(key) ? null : redactText(key)
  if (names.size < MAX_NAMES && key.length <= LONGEST_NAME) names.set(key, shown)
  return shown
}

/** How many values may still be looked at for this line; redacting waits for nobody, so that one count is enough. */
let valuesLeft = 0

const textOf = (value: unknown): string => redactText(typeof value === 'string' ? value : String(value))

const errorFields = (error: Error, depth: number): Record<string, unknown> => ({
  type: textOf(error.name),
  message: textOf(error.message),
  ...('code' in error && { code: redactAt(error.code, depth + 1) }),
  ...('params' in error && { params: redactAt(error.params, depth + 1) }),
  stack: error.stack === undefined ? undefined : textOf(error.stack),
  ...(error.cause !== undefined && { cause: redactAt(error.cause, depth + 1) }),
  ...(error instanceof AggregateError && { errors: redactAt(error.errors, depth + 1) }),
})

const redactObject = (value: object, depth: number): unknown => {
  if (Array.isArray(value)) return redactList(value, depth)
  if (value instanceof Error) return errorFields(value, depth)
  if (value instanceof Date) return value
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `[${value.byteLength} bytes]`
  if (value instanceof Map) return redactMembers(membersOf(value), depth)
  if (value instanceof Set) return redactList([...takenFrom(value)], depth)
  if (value instanceof Excerpt) return excerptOf(value)
  if (value instanceof URL || value instanceof String) return textOf(value)
  return redactMembers(value as Record<string, unknown>, depth)
}

const membersOf = (map: Map<unknown, unknown>) => Object.fromEntries(takenFrom(map)) as Record<string, unknown>

function* takenFrom<T>(values: Iterable<T>): Generator<T> {
  let left = MAX_MEMBERS
  for (const value of values) {
    if (left === 0) return
    left -= 1
    yield value
  }
}

/** What follows the name of a secret is one: headers come as lists of names and values. */
const isAfterSecretName = (before: unknown): boolean =>
  typeof before === 'string' && before.length <= LONGEST_NAME && isSecretName(before)

const redactList = (list: readonly unknown[], depth: number): unknown[] =>
  list.slice(0, MAX_MEMBERS).map((member, at) => (isAfterSecretName(list[at - 1]) ? MASK : redactAt(member, depth + 1)))

/** Their number is none. */
const isListOfTokens = (key: string, value: unknown): boolean => key === 'tokens' && typeof value === 'object'

/** Every line of the log comes by here, so that it makes no lists on its way. */
const redactMembers = (members: Record<string, unknown>, depth: number): Record<string, unknown> => {
  const copy: Record<string, unknown> = {}
  let count = 0
  for (const key of Object.keys(members)) {
    if (count === MAX_MEMBERS) break
    count += 1
    // Would become the copy's prototype.
    if (key === '__proto__') continue
    const shown = shownName(key)
    if (shown === null || isListOfTokens(key, members[key])) copy[redactText(key)] = MASK
    else copy[shown] = redactAt(members[key], depth + 1)
  }
  // As forms and headers are described.
  if (copy['value'] !== undefined && isAfterSecretName(members['name'] ?? members['key'])) copy['value'] = MASK
  return copy
}

const redactAt = (value: unknown, depth: number): unknown => {
  if (typeof value === 'number') return value
  valuesLeft -= 1
  if (valuesLeft < 0) return '[more]'
  if (typeof value === 'string') return redactText(value)
  if (typeof value === 'bigint') return value.toString()
  // A function named `toJSON` would be asked for what was taken out.
  if (typeof value === 'function' || typeof value === 'symbol') return undefined
  if (typeof value !== 'object' || value === null) return value
  return depth >= MAX_DEPTH ? '[deeper]' : redactObject(value, depth)
}

const excerptOf = ({ value, maxCharacters }: Excerpt): string => {
  const text = JSON.stringify(redactAt(value, 0)) as string | undefined
  if (text === undefined || text.length <= maxCharacters) return text ?? ''
  return `${text.slice(0, maxCharacters)}… (${text.length} characters)`
}

/**
 * A copy without secrets: by the names of fields and by the form of texts; bounded in depth, breadth and number. Never
 * throws: what cannot be read is not shown.
 */
export const redact = (fields: object): object => {
  valuesLeft = MAX_VALUES
  try {
    return redactAt(fields, 0) as object
  } catch {
    return { unreadable: true }
  }
}

export { redactText }
