import { describe, expect, it } from 'vitest'
import { z } from 'zod'

import { coerceInput } from './coerce-input.js'

describe('what comes by URL', () => {
  const schema = z.strictObject({
    n: z.int().optional(),
    flag: z.boolean().default(false),
    since: z.date().nullable(),
    size: z.bigint(),
    tags: z.array(z.int()),
    name: z.string().transform((name) => name.toUpperCase()),
    either: z.union([z.int(), z.literal('all')]),
  })

  it('becomes what the schema wants', () => {
    const value = {
      n: '-3',
      flag: 'true',
      since: '2026-01-02T03:04:05Z',
      size: '9',
      tags: '4',
      name: '12',
      either: '5',
    }
    expect(coerceInput(schema, value, 'url')).toEqual({
      n: -3,
      flag: true,
      since: new Date('2026-01-02T03:04:05Z'),
      size: 9n,
      tags: [4],
      name: '12',
      either: 5,
    })
    expect(coerceInput(schema, { either: 'all' }, 'url')).toEqual({ either: 'all' })
  })

  it('is left for the schema to refuse when it is not', () => {
    const value = { n: '0x10', flag: 'yes', since: 'tomorrow', size: '1.5', more: '1' }
    expect(coerceInput(schema, value, 'url')).toEqual(value)
  })

  it('leaves the schema itself as strict as it was', () => {
    coerceInput(schema, { n: '3' }, 'url')
    expect(schema.shape.n.safeParse('3').success).toBe(false)
  })
})

describe('what comes as JSON', () => {
  it('becomes dates and big integers where they are wanted, and nothing else', () => {
    const schema = z.object({
      at: z.array(z.object({ on: z.date() })),
      n: z.int(),
      sizes: z.record(z.string(), z.bigint()),
    })
    expect(
      coerceInput(schema, { at: [{ on: '2026-01-02T03:04:05.5+02:00' }], n: '3', sizes: { a: '7' } }, 'json'),
    ).toEqual({
      at: [{ on: new Date('2026-01-02T01:04:05.500Z') }],
      n: '3',
      sizes: { a: 7n },
    })
  })
})
