import { z } from 'zod'

/** Where a value came from: a URL has only texts, JSON lacks only dates and big integers. */
export type InputSource = 'url' | 'json'

const ISO_DATE_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/

const dateOf = (text: string): unknown => {
  const date = new Date(text)
  return ISO_DATE_TIME.test(text) && !Number.isNaN(date.getTime()) ? date : text
}

const fromText = (schema: z.ZodType, text: string, source: InputSource): unknown => {
  if (schema instanceof z.ZodDate) return dateOf(text)
  if (schema instanceof z.ZodBigInt) return /^-?\d{1,40}$/.test(text) ? BigInt(text) : text
  if (source === 'json') return text
  if (schema instanceof z.ZodNumber) return /^-?\d{1,20}(\.\d{1,20})?$/.test(text) ? Number(text) : text
  if (schema instanceof z.ZodBoolean) return text === 'true' ? true : text === 'false' ? false : text
  return text
}

/** The schema beneath optional, default, transform and the like: the one that the raw value meets first. */
export const innerSchema = (schema: z.ZodType): z.ZodType => {
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodReadonly ||
    schema instanceof z.ZodCatch
  ) {
    return innerSchema(schema.unwrap() as z.ZodType)
  }
  if (schema instanceof z.ZodPipe) return innerSchema(schema.in as z.ZodType)
  if (schema instanceof z.ZodLazy) return innerSchema(schema.unwrap() as z.ZodType)
  return schema
}

const coerceMembers = (shape: Record<string, unknown>, value: object, source: InputSource): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(value).map(([key, member]) => {
      const schema = Object.hasOwn(shape, key) ? (shape[key] as z.ZodType) : undefined
      return [key, schema === undefined ? member : coerceInput(schema, member, source)]
    }),
  )

const coerceUnion = (options: readonly z.ZodType[], value: unknown, source: InputSource): unknown => {
  const fitting = options.map((option) => ({ option, candidate: coerceInput(option, value, source) }))
  return fitting.find(({ option, candidate }) => option.safeParse(candidate).success)?.candidate ?? value
}

/**
 * Turns texts into the numbers, booleans, dates and big integers that the schema wants, as far as they are such; what
 * is not is left for the schema to refuse. The schema itself is not touched: tRPC callers share it.
 */
export const coerceInput = (schema: z.ZodType, value: unknown, source: InputSource): unknown => {
  const inner = innerSchema(schema)
  if (inner instanceof z.ZodUnion) return coerceUnion(inner.options as z.ZodType[], value, source)
  if (inner instanceof z.ZodArray) {
    const members = Array.isArray(value) ? (value as unknown[]) : source === 'url' ? [value] : null
    return members?.map((member) => coerceInput(inner.element as z.ZodType, member, source)) ?? value
  }
  if (typeof value === 'string') return fromText(inner, value, source)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  if (inner instanceof z.ZodObject) return coerceMembers(inner.shape, value, source)
  if (inner instanceof z.ZodRecord) {
    const each = inner.valueType as z.ZodType
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, coerceInput(each, member, source)]))
  }
  return value
}
