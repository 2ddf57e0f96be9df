import superjson, { SuperJSON } from 'superjson'

import { GantryError, invalidField } from '../kernel/errors.js'
import { serializeOutput } from '../kernel/output-serializer.js'

const MAX_DEPTH = 32
/** The longest lists that any procedure takes have a hundred members. */
const MAX_VALUES = 5_000
const ALLOWED_ANNOTATIONS = ['Date', 'bigint']
/** As REST takes them. What it takes to read one grows with the square of its length. */
const BIG_INTEGER = /^-?\d{1,40}$/
const PROTOTYPE_KEYS = ['__proto__', 'constructor', 'prototype']

const refuse = (detail: string) => new GantryError('VALIDATION_FAILED', { params: { detail } })

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const HALF_A_PAIR = /\p{Surrogate}/u

/** PostgreSQL stores neither NUL in a text nor half of a surrogate pair in JSON. */
const assertStorable = (text: string, path: readonly string[]): void => {
  if (text.includes('\0') || HALF_A_PAIR.test(text)) {
    throw invalidField(path.join('.') || 'input', 'holds a character that is no text')
  }
}

/** What one input has passed so far: each value in it costs something to every parser behind this one. */
class Budget {
  private left = MAX_VALUES

  take(): void {
    this.left -= 1
    if (this.left < 0) throw refuse(`it has more than ${MAX_VALUES} values`)
  }
}

/** @param path of the value; changed while its members are looked at */
const assertPlain = (value: unknown, path: string[], budget: Budget): void => {
  budget.take()
  if (typeof value === 'string') assertStorable(value, path)
  if (typeof value !== 'object' || value === null) return
  if (path.length > MAX_DEPTH) throw refuse(`it is nested deeper than ${MAX_DEPTH} levels`)
  for (const key in value) {
    if (PROTOTYPE_KEYS.includes(key)) throw refuse(`the key ${key} is not allowed`)
    path.push(key)
    assertPlain((value as Record<string, unknown>)[key], path, budget)
    path.pop()
  }
}

/**
 * @throws GantryError `VALIDATION_FAILED` for keys that reach prototypes, for nesting without end, for more values than
 *   any input has, and for texts that no database stores, naming the field
 */
export const assertPlainJson = (value: unknown): void => assertPlain(value, [], new Budget())

/** Superjson with big integers of our own, which are bounded: it alone knows which values its annotations mean. */
const bounded = new SuperJSON()
bounded.registerCustom<bigint, string>(
  {
    isApplicable: (value): value is bigint => typeof value === 'bigint',
    serialize: String,
    deserialize: (text: unknown) => {
      if (typeof text !== 'string' || !BIG_INTEGER.test(text)) throw refuse('a big integer has at most 40 digits')
      return BigInt(text)
    },
  },
  'bigint',
)

/**
 * Superjson's tree of annotations: `['Date']` is a leaf, `[leaf, { path: tree }]` and `{ path: tree }` are nodes.
 * @returns it for `bounded`
 */
const annotationsOf = (tree: unknown, depth: number, budget: Budget): unknown => {
  budget.take()
  if (depth > MAX_DEPTH) throw refuse('its annotations are nested too deep')
  if (Array.isArray(tree)) {
    const [annotation, children, ...rest] = tree as unknown[]
    const isAllowed = typeof annotation === 'string' && ALLOWED_ANNOTATIONS.includes(annotation)
    if (!isAllowed || rest.length > 0) throw refuse('only Date and bigint annotations are allowed')
    const leaf = annotation === 'bigint' ? ['custom', annotation] : annotation
    return children === undefined ? [leaf] : [leaf, annotationsOf(children, depth + 1, budget)]
  }
  if (!isRecord(tree)) throw refuse('its annotations are malformed')
  const members = Object.entries(tree).map(([path, child]) => {
    if (path.split(/[.\\]/).some((key) => PROTOTYPE_KEYS.includes(key)))
      throw refuse('an annotation reaches a prototype')
    return [path, annotationsOf(child, depth + 1, budget)] as const
  })
  return Object.fromEntries(members)
}

const metaOf = (meta: unknown): object => {
  if (!isRecord(meta)) throw refuse('its meta is malformed')
  // Shared references (`referentialEqualities`) would let one value stand in many places.
  const foreign = Object.keys(meta).find((key) => key !== 'values' && key !== 'v')
  if (foreign !== undefined) throw refuse(`the meta ${foreign} is not allowed`)
  if (meta['values'] === undefined) return meta
  return { ...meta, values: annotationsOf(meta['values'], 0, new Budget()) }
}

/** How an ordinary tRPC client sends "no input" for one member of a batch whose other members have one. */
const isNoInput = ({ json, meta }: Record<string, unknown>): boolean => {
  const values = isRecord(meta) ? meta['values'] : undefined
  return json == null && Array.isArray(values) && values.length === 1 && values[0] === 'undefined'
}

const deserializeInput = (envelope: unknown): unknown => {
  if (!isRecord(envelope)) throw refuse('it is not wrapped as {"json": …}')
  const foreign = Object.keys(envelope).find((key) => key !== 'json' && key !== 'meta')
  if (foreign !== undefined) throw refuse(`it is not wrapped as {"json": …}: found ${foreign.slice(0, 40)}`)
  if (isNoInput(envelope)) return undefined
  assertPlainJson(envelope['json'])
  if (envelope['meta'] === undefined) return envelope['json']
  const meta = metaOf(envelope['meta'])
  try {
    return bounded.deserialize({ json: envelope['json'], meta } as Parameters<typeof bounded.deserialize>[0])
  } catch (cause) {
    if (cause instanceof GantryError) throw cause
    throw new GantryError('VALIDATION_FAILED', { params: { detail: 'its annotations do not fit it' }, cause })
  }
}

/**
 * Outputs are superjson. Inputs accept only `Date` and `bigint` annotations, so that no client can hand a procedure a
 * `RegExp`, a `Map`, an `Error` or an explicit `undefined` inside an input.
 */
export const transformer = {
  input: { serialize: superjson.serialize, deserialize: deserializeInput },
  output: { serialize: serializeOutput, deserialize: superjson.deserialize },
}
