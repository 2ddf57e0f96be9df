import { toUSVString } from 'node:util'

import fc from 'fast-check'

/** The same inputs in every run of the tests; another seed finds others. */
export const HOSTILE = { seed: 20_261_126, numRuns: 300 } as const

const NUMBERS = [0, -0, -1, 0.1, 1e15, 1e300, -1e300, Number.MAX_SAFE_INTEGER, Number.MIN_VALUE]
const TEXTS = [
  '',
  '\0',
  '\ud800',
  '<script>alert(1)</script>',
  '__proto__',
  '../../etc/passwd',
  'x'.repeat(5_000),
  '\u202e',
]
const KEYS = ['__proto__', 'constructor', 'toString', 'length', 'state', 'path', 'flags', '']

const leaf = fc.oneof(
  fc.constantFrom<unknown>(null, true, false, ...NUMBERS, ...TEXTS),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.string({ unit: 'binary', maxLength: 20 }),
)

/** Whatever JSON can say, with the texts and keys that programs stumble over. */
export const hostileJson: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    fc.array(tie('value'), { maxLength: 6 }),
    fc
      .array(fc.tuple(fc.oneof(fc.constantFrom(...KEYS), fc.string({ maxLength: 8 })), tie('value')), { maxLength: 6 })
      .map((entries) => asParsed(Object.fromEntries(entries))),
  ),
})).value

/** As `JSON.parse` makes it, where `__proto__` is a field like others. */
const asParsed = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

type Path = readonly string[]

const pathsIn = (value: unknown, path: Path = []): Path[] =>
  typeof value === 'object' && value !== null
    ? [path, ...Object.entries(value).flatMap(([key, member]) => pathsIn(member, [...path, key]))]
    : [path]

/** @param by undefined takes the place away */
const replaced = (value: unknown, [key, ...rest]: Path, by: unknown): unknown => {
  if (key === undefined) return by
  const members = Object.entries(value as object)
    .map(([name, member]): [string, unknown] => [name, name === key ? replaced(member, rest, by) : member])
    .filter(([, member]) => member !== undefined)
  return Array.isArray(value) ? members.map(([, member]) => member) : Object.fromEntries(members)
}

/** A real message in which up to three places say something else, or nothing. */
export const mutatedJson = (...examples: readonly unknown[]): fc.Arbitrary<unknown> =>
  fc
    .tuple(
      fc.constantFrom(...examples),
      fc.array(fc.tuple(fc.nat(), fc.oneof(hostileJson, fc.constant(undefined))), { minLength: 1, maxLength: 3 }),
    )
    .map(([example, changes]) =>
      changes.reduce<unknown>((value, [at, by]) => {
        const paths = pathsIn(value)
        return replaced(value, paths[at % paths.length] ?? [], by) ?? null
      }, example),
    )

const edits = fc.array(
  fc.record({
    at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    drops: fc.nat(64),
    puts: fc.uint8Array({ maxLength: 64 }),
  }),
  { minLength: 1, maxLength: 8 },
)

/** A real file in which up to eight places were cut out or written over. */
export const mutatedBytes = (...examples: readonly Buffer[]): fc.Arbitrary<Buffer> =>
  fc.tuple(fc.constantFrom(...examples), edits).map(([example, changes]) =>
    changes.reduce((bytes, { at, drops, puts }) => {
      const from = Math.floor(at * bytes.length)
      return Buffer.concat([bytes.subarray(0, from), puts, bytes.subarray(from + drops)])
    }, example),
  )

/** Every text in a value, keys included. */
export const textsIn = (value: unknown): string[] => {
  if (typeof value === 'string') return [value]
  if (typeof value !== 'object' || value === null || value instanceof Date) return []
  return Object.entries(value).flatMap(([key, member]) => [key, ...textsIn(member)])
}

/** The texts in a value that are longer than what is shown, or that no database stores. */
export const unfitTexts = (value: unknown, maxCharacters: number): string[] =>
  textsIn(value).filter((text) => text.length > maxCharacters || text.includes('\0') || toUSVString(text) !== text)
