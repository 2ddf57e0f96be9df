import { expect, it } from 'vitest'

import { wantedRange } from './byte-range.js'

it.each([
  ['bytes=0-4', { start: 0, end: 4 }],
  ['bytes=5-', { start: 5, end: 9 }],
  ['bytes=-3', { start: 7, end: 9 }],
  ['bytes=-99', { start: 0, end: 9 }],
  ['bytes=8-99', { start: 8, end: 9 }],
  ['bytes=10-', 'none'],
  ['bytes=-0', 'none'],
  [undefined, null],
  ['bytes=-', null],
  ['bytes=4-2', null],
  ['bytes=0-1,3-4', null],
  ['lines=0-4', null],
])('of ten bytes %j is %j', (header, range) => {
  expect(wantedRange(header, 10)).toEqual(range)
})

it('of nothing no range can be had', () => {
  expect([wantedRange('bytes=0-', 0), wantedRange('bytes=-5', 0)]).toEqual(['none', 'none'])
})
