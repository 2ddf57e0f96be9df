import { readFileSync } from 'node:fs'

import { REASON_CODES, reasonSchema, reasonText, type Reason } from '@gantry/schemas'
import { expect, it } from 'vitest'
import { z } from 'zod'

const page = readFileSync(new URL('../../../../docs/reference/reasons.md', import.meta.url), 'utf8')

interface Branch {
  properties: { code: { const: string }; params: { properties: object } }
}

const paramNames = () => {
  const { oneOf, anyOf } = z.toJSONSchema(reasonSchema)
  const branches = (oneOf ?? anyOf ?? []) as unknown as Branch[]
  return new Map(branches.map(({ properties: { code, params } }) => [code.const, Object.keys(params.properties)]))
}

/** Every param is its own name, as the page writes it, be it a text or a list. */
const named = (code: string) =>
  ({
    code,
    params: new Proxy(
      {},
      {
        get: (_, name) => {
          const text = `{${String(name)}}`
          return { length: 1, join: () => text, toString: () => text }
        },
      },
    ),
  }) as Reason

it('docs/reference/reasons.md lists every reason as it is, and no other', () => {
  const params = paramNames()
  const rows = page.split('\n').filter((line) => line.startsWith('| `'))
  const listed = rows.map((row) => {
    const cells = row.split(' | ').map((cell) => cell.replace(/^\| /, '').trim())
    expect(cells[3], `what to do about ${cells[0] ?? ''}`).toMatch(/\w/)
    return cells.slice(0, 3)
  })
  expect(listed).toEqual(
    REASON_CODES.map((code) => [
      `\`${code}\``,
      params
        .get(code)
        ?.map((name) => `\`${name}\``)
        .join(', ') || '–',
      reasonText(named(code)),
    ]),
  )
})
