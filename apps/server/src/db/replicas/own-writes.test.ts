import { expect, it } from 'vitest'

import { OwnWrites } from './own-writes.js'

const open = () => {
  const clock = { nowMs: 1_000 }
  const writes = new OwnWrites(500, () => clock.nowMs)
  return { clock, writes }
}

it('whoever has written must be shown what is as new, for as long as a replica may be old', () => {
  const { clock, writes } = open()
  clock.nowMs = 1_200
  writes.note(['usr_1', 'usr_2'])
  expect([writes.lastOf('usr_1'), writes.lastOf('usr_3')]).toEqual([1_200, 1_000])
  clock.nowMs = 1_701
  writes.note(['usr_2'])
  expect([writes.lastOf('usr_1'), writes.lastOf('usr_2')]).toEqual([1_000, 1_701])
})

it('what was written before anything could be heard may be by anybody', () => {
  expect(open().writes.lastOf('usr_1')).toBe(1_000)
})

it('while nothing is heard nothing is new enough, and afterwards what came since', () => {
  const { clock, writes } = open()
  writes.listening(false)
  expect(writes.lastOf('usr_1')).toBe(Infinity)
  clock.nowMs = 3_000
  writes.listening(true)
  expect(writes.lastOf('usr_1')).toBe(3_000)
})
