import { readFile } from 'node:fs/promises'
import path from 'node:path'

import { expect, it } from 'vitest'

import { jobCatalogue } from './job-catalogue.js'

const PAGE = path.resolve(import.meta.dirname, '../../../../docs/reference/jobs.md')

it('docs/reference/jobs.md lists every job as it is, and no other', async () => {
  const { definitions, recurring } = jobCatalogue()
  const every = new Map(
    recurring.map(({ definition, ...times }) => [
      definition.type,
      'cron' in times ? `\`${times.cron}\`` : `${times.everySeconds} s`,
    ]),
  )
  const expected = definitions.map(({ type, version, attempts, timeoutMs }) =>
    [`\`${type}\``, `${version}`, `${attempts}`, `${timeoutMs / 1_000} s`, every.get(type) ?? '–'].join(' | '),
  )
  const rows = (await readFile(PAGE, 'utf8')).split('\n').filter((line) => /^\| `[A-Z]/.test(line))
  const listed = rows.map((row) => {
    const cells = row.split('|').map((cell) => cell.trim())
    expect(cells[6], `what ${cells[1] ?? ''} does`).toMatch(/\w/)
    return cells.slice(1, 6).join(' | ')
  })
  expect(listed.sort()).toEqual(expected.sort())
})

it('schedules only jobs that are defined, each once', () => {
  const { definitions, recurring } = jobCatalogue()
  const types = recurring.map(({ definition }) => definition.type)
  expect(new Set(types).size).toBe(types.length)
  expect(definitions.map(({ type }) => type)).toEqual(expect.arrayContaining(types))
})
