import { existsSync, readFileSync } from 'node:fs'

import { describe, expect, it } from 'vitest'

const server = new URL('../../', import.meta.url)
const page = readFileSync(new URL('../../docs/reference/security.md', server), 'utf8')

interface Claim {
  file: string
  test: string
}

const rows = page
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| Requirement') && !line.startsWith('| ---'))
const claims: Claim[] = [...page.matchAll(/`([\w./-]+\.ts)` “([^”]+)”/g)].map(([, file = '', test = '']) => ({
  file,
  test,
}))

/** Every text in a file, as it is when it runs. */
const textsOf = (file: string): Set<string> => {
  const source = readFileSync(new URL(file, server), 'utf8')
  const found = source.matchAll(/'((?:[^'\\\n]|\\.)+)'|"((?:[^"\\\n]|\\.)+)"/g)
  return new Set([...found].map(([, single, double = '']) => (single ?? double).replaceAll(/\\(.)/g, '$1')))
}

describe('docs/reference/security.md', () => {
  it('names a test for each of its claims', () => {
    expect(rows.length).toBeGreaterThan(60)
    expect(claims).toHaveLength(rows.length)
  })

  it.each(claims)('names “$test” in $file, which is there', ({ file, test }) => {
    expect(existsSync(new URL(file, server))).toBe(true)
    expect([...textsOf(file)]).toContain(test)
  })

  it('names no table of hostile requests that is not sent', () => {
    const sent = readFileSync(new URL('test/api/adversarial.test.ts', server), 'utf8')
    for (const { file } of claims.filter((claim) => claim.file.endsWith('.attacks.ts')))
      expect(sent).toContain(`'./adversarial/${file.split('/').at(-1)?.replace(/\.ts$/, '.js') ?? ''}'`)
  })
})
