import superjson from 'superjson'
import { describe, expect, it } from 'vitest'

import { serializeOutput } from './output-serializer.js'

type Serialized = ReturnType<typeof superjson.serialize>

const wire = (serialized: Serialized) => JSON.parse(JSON.stringify(serialized)) as Serialized
const withoutEqualities = ({ json, meta }: Serialized): unknown => {
  const { referentialEqualities: _left, v, ...values } = meta ?? {}
  return Object.keys(values).length === 0 ? { json } : { json, meta: { ...values, v } }
}

/** Mulberry32: the same values in every run. */
const randomOf = (seed: number) => () => {
  seed = (seed + 0x6d2b79f5) | 0
  let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
}

const KEYS = ['', 'a', 'at', '0', '1', '10', '-1', '.', 'a.b', '..', '\\', 'a\\', '\\.', 'a\\.b', 'ü', ' ', 'toString']

class Generator {
  private count = 0
  private readonly random: () => number

  constructor(seed: number) {
    this.random = randomOf(seed)
  }

  /** Never the same date or big integer twice, which superjson would call one value in two places. */
  value(depth: number): unknown {
    const leaves = [
      () => this.pick(['', 'text', '2026-01-01T00:00:00.000Z', 'ü\\.']),
      () => this.pick([0, 1, -1.5, 1e300, Number.MAX_SAFE_INTEGER]),
      () => this.pick([true, false, null]),
      () => undefined,
      () => new Date(this.count++ * 1e9),
      () => BigInt(this.count++),
    ]
    const containers = [() => this.array(depth), () => this.record(depth, {}), () => this.record(depth, null)]
    return this.pick(depth === 0 ? leaves : [...leaves, ...containers, ...containers])()
  }

  /** What superjson must serialise itself. */
  foreign(): unknown {
    return this.pick([
      () => new Map<unknown, unknown>([['a.b', new Date(5)]]),
      () => new Set([new Date(6)]),
      () => this.pick([NaN, Infinity, -Infinity, -0]),
      () => new Date(NaN),
      () => new URL('http://a.example/'),
      () => /x.y/g,
      () => new Uint8Array([1, 2]),
    ])()
  }

  record(depth: number, prototype: null | object): Record<string, unknown> {
    const record = (prototype === null ? Object.create(null) : {}) as Record<string, unknown>
    for (let size = this.random() * 5; size > 1; size--) record[this.pick(KEYS)] = this.value(depth - 1)
    return record
  }

  private array(depth: number): unknown[] {
    return Array.from({ length: Math.floor(this.random() * 4) }, () => this.value(depth - 1))
  }

  private pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.random() * from.length)] as T
  }
}

const SEEDS = Array.from({ length: 3000 }, (_, seed) => seed)

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
  it('says of 3000 plain values just what superjson says, and they come back the same', () => {
    for (const seed of SEEDS) {
      const value = new Generator(seed).value(4)
      const [ours, theirs] = [serializeOutput(value), superjson.serialize(value)]
      expect(ours, `seed ${seed}`).toEqual(theirs)
      expect(JSON.stringify(ours.json), `seed ${seed}`).toBe(JSON.stringify(theirs.json))
      expect(superjson.deserialize(wire(ours)), `seed ${seed}`).toStrictEqual(superjson.deserialize(wire(theirs)))
    }
  })

  it('hands values to superjson that hold something else anywhere', () => {
    for (const seed of SEEDS.slice(0, 500)) {
      const generator = new Generator(seed)
      const value = { ...generator.record(3, {}), list: [generator.value(2), { foreign: generator.foreign() }] }
      const [ours, theirs] = [serializeOutput(value), superjson.serialize(value)]
      expect(ours, `seed ${seed}`).toStrictEqual(theirs)
      expect(superjson.deserialize(wire(ours)), `seed ${seed}`).toEqual(superjson.deserialize(wire(theirs)))
    }
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
