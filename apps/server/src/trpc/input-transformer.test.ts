import superjson from 'superjson'
import { describe, expect, it } from 'vitest'

import { transformer } from './input-transformer.js'

const read = (envelope: unknown): unknown => transformer.input.deserialize(envelope)
const sent = (value: unknown) => JSON.parse(JSON.stringify(superjson.serialize(value))) as unknown

describe('an input', () => {
  it('may carry dates and big integers at any depth', () => {
    const value = { at: new Date(5), list: [{ size: 7n }, { size: 8n }], text: 'x', nothing: null }
    expect(read(sent(value))).toEqual(value)
  })

  it.each([
    ['a pattern', { x: /a/ }],
    ['a map', { x: new Map([['a', 1]]) }],
    ['a set', { x: new Set([1]) }],
    ['an explicit undefined', { x: undefined }],
    ['an error', { x: new Error('x') }],
    ['not a number', { x: NaN }],
    ['a URL', { x: new URL('http://a.example') }],
  ])('may not carry %s', (_what, value) => {
    expect(() => read(sent(value))).toThrow(expect.objectContaining({ code: 'VALIDATION_FAILED' }) as Error)
  })

  it('may have big integers of forty digits', () => {
    const value = { least: -(10n ** 40n - 1n), 'a.b': [10n ** 39n], plain: '9'.repeat(100) }
    expect(read(sent(value))).toEqual(value)
  })

  it('may be none, as ordinary clients say it in a batch', () => {
    expect(read(sent(undefined))).toBeUndefined()
  })

  it('may not refer to one value from two places', () => {
    const shared = { a: 1 }
    expect(() => read(sent({ one: shared, two: shared }))).toThrow('referentialEqualities')
  })

  it.each([
    ['no envelope', '{"a":1}'],
    ['a bare value', '5'],
    ['a prototype key', '{"json":{"a":{"__proto__":{"admin":true}}}}'],
    ['a constructor key', '{"json":{"constructor":{"prototype":{}}}}'],
    ['an annotation of a prototype', '{"json":{},"meta":{"values":{"__proto__.x":["Date"]}}}'],
    ['an annotation that fits nothing', '{"json":{"a":"x"},"meta":{"values":{"a":["bigint"]}}}'],
    [
      'a big integer of more than forty digits',
      `{"json":{"a":"${'9'.repeat(41)}"},"meta":{"values":{"a":["bigint"]}}}`,
    ],
    ['a big integer in a list', `{"json":{"a":["9"]},"meta":{"values":{"a":["bigint"]}}}`],
    ['a big integer in hexadecimal', `{"json":{"a":"0xff"},"meta":{"values":{"a":["bigint"]}}}`],
    ['malformed annotations', '{"json":1,"meta":{"values":[["Date"]]}}'],
    ['custom annotations', '{"json":1,"meta":{"values":[["custom","x"]]}}'],
    ['endless nesting', `{"json":${'['.repeat(40)}${']'.repeat(40)}}`],
  ])('is refused with %s', (_what, text) => {
    expect(() => read(JSON.parse(text))).toThrow(expect.objectContaining({ code: 'VALIDATION_FAILED' }) as Error)
    expect(({} as Record<string, unknown>)['admin']).toBeUndefined()
  })
})
