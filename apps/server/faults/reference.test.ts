import { readFileSync } from 'node:fs'

import { expect, it } from 'vitest'

import { COUNTS } from './checker/check.js'
import { EXPERIMENTS } from './experiments/all.js'
import { JOB_COUNTS } from './jobs/job-verdict.js'

const page = readFileSync(new URL('../../../docs/reference/safety.md', import.meta.url), 'utf8')
const sectionOf = (heading: string) => page.split(/^## /m).find((text) => text.startsWith(heading)) ?? ''
const rowsBelow = (heading: string) => {
  const section = sectionOf(heading)
  return [...section.matchAll(/^\| (.*?) *\| (.*?) *\|$/gm)].slice(1).map(([, first, second]) => [first, second])
}

it('every experiment stands in the reference with its sentence, and nothing else does', () => {
  const rows = rowsBelow('Experiments').filter(([name]) => name?.startsWith('`'))
  expect(rows).toEqual(EXPERIMENTS.map(({ name, sentence }) => [`\`${name}\``, sentence]))
})

it.each([
  ['What must be zero\n', COUNTS],
  ['What must be zero of jobs\n', JOB_COUNTS],
])('every count stands in the reference, in the order of its table: %s', (heading, counts) => {
  const listed = [...sectionOf(heading).matchAll(/^(\d+)\. \*\*(.*?)\*\*/gm)].map(([, number, name]) => [
    Number(number),
    name,
  ])
  expect(listed).toEqual(counts.map((count, index) => [index + 1, count]))
})
