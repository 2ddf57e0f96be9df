import { readFileSync } from 'node:fs'

import { ERROR_CODES, ERROR_PARAMS } from '@gantry/schemas'
import { expect, it } from 'vitest'

import { ERROR_TABLE, type ErrorParams } from './errors.js'

const page = readFileSync(new URL('../../../../docs/reference/errors.md', import.meta.url), 'utf8')
/** Every param is its own name, as the page writes it. */
const names = new Proxy<ErrorParams>({}, { get: (_, name) => `{${String(name)}}` })

it('docs/reference/errors.md lists every error as it is, and no other', () => {
  const rows = page.split('\n').filter((line) => line.startsWith('| `'))
  const listed = rows.map((row) => {
    const cells = row.split(' | ').map((cell) => cell.replace(/^\| /, '').trim())
    expect(cells[6], `what to do about ${cells[0] ?? ''}`).toMatch(/\w/)
    return cells.slice(0, 6)
  })
  expect(listed).toEqual(
    ERROR_CODES.map((code) => {
      const { httpStatus, retryable, logLevel, text } = ERROR_TABLE[code]
      const params = Object.keys(ERROR_PARAMS[code].shape).map((name) => `\`${name}\``)
      const facts = [`${httpStatus}`, retryable ? 'yes' : 'no', logLevel, params.join(', ') || '–']
      return [`\`${code}\``, ...facts, text(names)]
    }),
  )
})

it('puts no param into a text that the code does not have', () => {
  for (const code of ERROR_CODES) {
    const asked: string[] = []
    const noting = new Proxy<ErrorParams>({}, { get: (_, name) => asked.push(String(name)) })
    ERROR_TABLE[code].text(noting)
    expect(Object.keys(ERROR_PARAMS[code].shape), code).toEqual(expect.arrayContaining(asked))
  }
})

it('has a text of its own for every error, also without params', () => {
  const texts = ERROR_CODES.map((code) => ERROR_TABLE[code].text({}))
  for (const text of texts) expect(text).toMatch(/^[A-Z].*\.$/)
  expect(new Set(texts).size).toBe(texts.length)
})
