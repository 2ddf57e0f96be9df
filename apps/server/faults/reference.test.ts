import { readFileSync } from 'node:fs'

import { expect, it } from 'vitest'

import { COUNTS } from './checker/check.js'
import { EXPERIMENTS } from './experiments/all.js'

const page = readFileSync(new URL('../../../docs/reference/safety.md', import.meta.url), 'utf8')
const rowsBelow = (heading: string) => {
  const section = page.split(/^## /m).find((text) => text.startsWith(heading)) ?? ''
  return [...section.matchAll(/^\| (.*?) *\| (.*?) *\|$/gm)].slice(1).map(([, first, second]) => [first, second])
}

it('every experiment stands in the reference with its sentence, and nothing else does', () => {
  const rows = rowsBelow('Experiments').filter(([name]) => name?.startsWith('`'))
  expect(rows).toEqual(EXPERIMENTS.map(({ name, sentence }) => [`\`${name}\``, sentence]))
})

it('every count stands in the reference, in the order of the table', () => {
  const listed = [...page.matchAll(/^(\d+)\. \*\*(.*?)\*\*/gm)].map(([, number, name]) => [Number(number), name])
  expect(listed).toEqual(COUNTS.map((count, index) => [index + 1, count]))
})
