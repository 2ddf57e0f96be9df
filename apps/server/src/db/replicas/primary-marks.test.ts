import { expect, it } from 'vitest'

import { PrimaryMarks } from './primary-marks.js'

const marked = () => {
  const marks = new PrimaryMarks()
  marks.put(100, 10n, 'cluster')
  marks.put(200, 20n, 'cluster')
  marks.put(300, 20n, 'cluster')
  return marks
}

it('what a replica has replayed tells of which moment it is', () => {
  const marks = marked()
  expect(marks.reachedAt(9n)).toBeNull()
  expect(marks.reachedAt(10n)).toBe(100)
  expect(marks.reachedAt(19n)).toBe(100)
})

it('a replica of a primary that writes nothing is as of the last moment', () => {
  expect(marked().reachedAt(20n)).toBe(300)
})

it('another history makes all that was known before worthless', () => {
  const marks = marked()
  expect(marks.put(400, 15n, 'cluster')).toBe(false)
  expect(marks.reachedAt(14n)).toBeNull()
  expect(marks.put(500, 20n, 'another')).toBe(false)
  expect(marks.reachedAt(20n)).toBe(500)
  expect([marks.isOf('another'), marks.isOf('cluster'), new PrimaryMarks().isOf('cluster')]).toEqual([
    true,
    false,
    null,
  ])
})

it('it remembers ten minutes', () => {
  const marks = new PrimaryMarks()
  for (let n = 0; n <= 2_400; n += 1) marks.put(n, BigInt(n), 'cluster')
  expect([marks.reachedAt(0n), marks.reachedAt(1n)]).toEqual([null, 1])
})
