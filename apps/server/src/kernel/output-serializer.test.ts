import fc from 'fast-check'
import superjson from 'superjson'
import { describe, expect, it } from 'vitest'

import { serializeOutput } from './output-serializer.js'

type Serialized = ReturnType<typeof superjson.serialize>

const wire = (serialized: Serialized) => JSON.parse(JSON.stringify(serialized)) as Serialized
const withoutEqualities = ({ json, meta }: Serialized): unknown => {
  const { referentialEqualities: _left, v, ...values } = meta ?? {}
  return Object.keys(values).length === 0 ? { json } : { json, meta: { ...values, v } }
}

const KEYS = ['', 'a', 'at', '0', '1', '10', '-1', '.', 'a.b', '..', '\\', 'a\\', '\\.', 'a\\.b', 'ü', ' ', 'toString']
const key = fc.oneof(fc.constantFrom(...KEYS), fc.string())
const UNSPEAKABLE = ['__proto__', 'constructor', 'prototype']

/** Minus zero is left out: JSON does not know it. */
const leaf = fc.oneof(
  fc.string(),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0),
  fc.boolean(),
  fc.constantFrom(null, undefined),
  fc.date({ noInvalidDate: true }),
  fc.bigInt(),
)

const recordOf = (value: fc.Arbitrary<unknown>) =>
  fc.dictionary(
    key.filter((name) => !UNSPEAKABLE.includes(name)),
    value,
    { maxKeys: 5 },
  )

const { plain } = fc.letrec<{ plain: unknown }>((tie) => ({
  plain: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    leaf,
    fc.array(tie('plain'), { maxLength: 4 }),
    recordOf(tie('plain')),
  ),
}))

/** What superjson must serialise itself. */
const foreign = fc.oneof(
  fc.constantFrom(NaN, Infinity, -Infinity, -0),
  fc.date({ noInvalidDate: true }).map((at) => new Map([['a.b', at]])),
  fc.date({ noInvalidDate: true }).map((at) => new Set([at])),
  fc.constant(new Date(NaN)),
  fc.webUrl().map((url) => new URL(url)),
  fc.constant(/x.y/g),
  fc.uint8Array(),
)

class Celsius {
  constructor(readonly degrees: number) {}
  toJSON() {
    return `${this.degrees} °C`
  }
}

class Readings extends Array<number> {
  toJSON() {
    return 'readings'
  }
}

describe('the serialiser of outputs', () => {
  it('says of plain values just what superjson says, and they come back the same', () => {
    fc.assert(
      fc.property(plain, (value) => {
        const [ours, theirs] = [serializeOutput(value), superjson.serialize(value)]
        // Two equal big integers are one value to superjson; dates and objects are all made anew here.
        expect(ours).toEqual(withoutEqualities(theirs))
        expect(JSON.stringify(ours.json)).toBe(JSON.stringify(theirs.json))
        expect(superjson.deserialize(wire(ours))).toStrictEqual(superjson.deserialize(wire(theirs)))
      }),
      { numRuns: 1000 },
    )
  })

  it('hands values to superjson that hold something else anywhere', () => {
    fc.assert(
      fc.property(plain, foreign, recordOf(plain), (before, odd, around) => {
        const value = { before, list: [{ ...around, odd }] }
        expect(serializeOutput(value)).toStrictEqual(superjson.serialize(value))
      }),
      { numRuns: 300 },
    )
  })

  it.each<[string, unknown]>([
    ['a date', new Date(5)],
    ['no date', new Date(NaN)],
    ['nothing', undefined],
    ['null', null],
    ['a big integer', 7n],
    ['minus zero', -0],
    ['a text', 'x'],
    ['dates', [new Date(1), new Date(2), [new Date(3)]]],
    ['dates beside objects with dates', { list: [{ at: new Date(1) }, new Date(2)] }],
    ['an array with a hole', [1, , new Date(2)]], // eslint-disable-line no-sparse-arrays -- a hole is no undefined
    ['an array with a property', Object.assign([new Date(1)], { at: new Date(2) })],
    ['an array with a hole and a property', Object.assign(new Array(1), { at: 1 })],
    ['a match', /(?<letter>a)/.exec('a')],
    ['an instance with toJSON', { heat: new Celsius(20) }],
    ['an object with toJSON', { toJSON: () => 'x', at: new Date(1) }],
    ['an object with a hidden toJSON', { x: Object.defineProperty({}, 'toJSON', { value: () => 'x' }) }],
    ['an array of a class of its own', { x: Readings.of(1, 2) }],
    ['what only looks like an array', Object.assign(Object.create(Array.prototype) as object, { at: new Date(1) })],
    ['an array without a prototype', { x: Object.setPrototypeOf([new Date(1)], null) as unknown }],
    ['a date with toJSON', { at: Object.assign(new Date(1), { toJSON: () => 'x' }) }],
    ['a text that is called toJSON', { toJSON: 'x', at: new Date(1) }],
    ['an error', new Error('x')],
    ['a symbol', { x: Symbol('x') }],
    ['a symbol as key', { [Symbol('x')]: new Date(1), at: new Date(2) }],
    ['what is not enumerable', Object.defineProperty({ a: 1 }, 'at', { value: new Date(1) })],
    ['a boxed number', { x: Object(1) as unknown }],
    ['the prototype of all objects', { x: Object.prototype }],
    ['what inherits', { x: Object.create({ at: new Date(1) }) as unknown }],
  ])('says of %s just what superjson says', (_what, value) => {
    const [ours, theirs] = [serializeOutput(value), superjson.serialize(value)]
    expect(JSON.stringify(ours.json)).toBe(JSON.stringify(theirs.json))
    expect(wire(ours)).toEqual(wire(theirs))
  })

  it.each(['__proto__', 'constructor', 'prototype'])('refuses the key %s as superjson does', (key) => {
    const value = JSON.parse(`{"a":[{"${key}":1}]}`) as unknown
    expect(() => serializeOutput(value)).toThrow(`Detected property ${key}`)
  })

  it('leaves a value that holds itself, and one nested beyond reason, to superjson', () => {
    const itself: Record<string, unknown> = { at: new Date(1) }
    itself['again'] = itself
    itself['once more'] = [itself]
    expect(serializeOutput(itself)).toStrictEqual(superjson.serialize(itself))
    let deep: unknown = new Date(1)
    for (let level = 0; level < 100; level++) deep = { deep }
    expect(serializeOutput(deep)).toStrictEqual(superjson.serialize(deep))
  })

  it('does not say that two places hold one value, and says all else', () => {
    const at = new Date(1)
    const shared = { at, list: [at, 5n] }
    const value = { one: shared, two: [shared, { at }], three: 5n }
    const [ours, theirs] = [serializeOutput(value), superjson.serialize(value)]
    expect(theirs.meta?.referentialEqualities).toBeDefined()
    expect(ours).toEqual(withoutEqualities(theirs))
    expect(superjson.deserialize(wire(ours))).toEqual(superjson.deserialize(wire(theirs)))
  })

  it('leaves the output itself as it was', () => {
    const value = { at: new Date(1), list: [{ at: new Date(2) }, 3n], none: undefined }
    const before = structuredClone(value)
    serializeOutput(value)
    expect(value).toStrictEqual(before)
  })
})
