import { expect, it } from 'vitest'

import { csvLine } from './csv.js'

it.each(['=1+2', '+1', '-1', '@SUM(A1)', '\tx', '\rx'])('takes the formula out of %j', (text) => {
  const line = csvLine([text])
  expect(line.startsWith("'") || line.startsWith(`"'`)).toBe(true)
  expect(line).toContain(`'${text}`)
})

it('keeps numbers, also negative ones, and leaves harmless texts alone', () => {
  expect(csvLine([-1.5, 0, true, null, 'a=b', 'Würfel'])).toBe('-1.5,0,true,,a=b,Würfel\r\n')
})

it('quotes by RFC 4180', () => {
  expect(csvLine(['a,b', 'say "x"', 'two\nlines', ' spaced '])).toBe('"a,b","say ""x""","two\nlines"," spaced "\r\n')
})

it('writes times in UTC and everything with parts as JSON', () => {
  const cells = [new Date('2026-11-27T08:00:00Z'), { a: '=1' }, ['=1']]
  expect(csvLine(cells)).toBe('2026-11-27T08:00:00.000Z,"{""a"":""=1""}","[""=1""]"\r\n')
})
