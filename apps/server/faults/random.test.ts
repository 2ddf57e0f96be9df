import { expect, it } from 'vitest'

import { SeededRandom } from './random.js'

const draws = (random: SeededRandom) => Array.from({ length: 5 }, () => random.whole(0, 1_000_000))

it('the same seed draws the same, another seed or another stream does not', () => {
  const first = draws(new SeededRandom('7').stream('kills'))
  expect(draws(new SeededRandom('7').stream('kills'))).toEqual(first)
  expect(draws(new SeededRandom('8').stream('kills'))).not.toEqual(first)
  expect(draws(new SeededRandom('7').stream('freezes'))).not.toEqual(first)
})

it('a stream does not depend on what was drawn elsewhere', () => {
  const random = new SeededRandom('7')
  draws(random)
  expect(draws(random.stream('kills'))).toEqual(draws(new SeededRandom('7').stream('kills')))
})

it('draws lie within their bounds, and reach both ends', () => {
  const random = new SeededRandom('1')
  const seen = new Set(Array.from({ length: 500 }, () => random.whole(1, 4)))
  expect([...seen].sort()).toEqual([1, 2, 3, 4])
  expect(() => random.pick([])).toThrow(RangeError)
})
