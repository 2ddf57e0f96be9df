import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { attemptState, type CopyCounts } from '@gantry/schemas'

import { isActive, mayFollow } from './attempt.state.js'
import { isOver, jobStateOf } from './print-job.state.js'

const none: CopyCounts = { queued: 0, active: 0, done: 0, failed: 0, cancelled: 0, held: 0 }

describe('the state of a job', () => {
  it.each([
    [{ queued: 3 }, 'queued'],
    [{ queued: 2, done: 1 }, 'printing'],
    [{ queued: 1, active: 1, held: 1 }, 'printing'],
    [{ queued: 1, held: 1 }, 'held'],
    [{ done: 2, failed: 1 }, 'failed'],
    [{ done: 2, cancelled: 1 }, 'done'],
    [{ cancelled: 3 }, 'cancelled'],
  ] as const)('of %o is %s', (counts, state) => {
    expect(jobStateOf({ ...none, ...counts })).toBe(state)
  })

  it('is over exactly when no copy waits, prints or is held', () => {
    const n = fc.nat({ max: 3 })
    fc.assert(
      fc.property(
        fc.record({ queued: n, active: n, done: n, failed: n, cancelled: n, held: n }),
        (counts: CopyCounts) => {
          expect(isOver(jobStateOf(counts))).toBe(counts.queued + counts.active + counts.held === 0)
        },
      ),
    )
  })
})

describe('the steps of an attempt', () => {
  const states = attemptState.options

  it('lead nowhere from where it has ended, and to an end from everywhere else', () => {
    for (const from of states) {
      const next = states.filter((to) => mayFollow(from, to))
      if (isActive(from)) expect(next.some((to) => !isActive(to))).toBe(true)
      else expect(next).toEqual([])
    }
  })

  it('never take back what was seen to print', () => {
    expect(states.filter((from) => mayFollow(from, 'revoked'))).toEqual(['claimed', 'uploading', 'starting', 'unknown'])
  })

  it('claim only what is new', () => {
    expect(states.filter((from) => mayFollow(from, 'claimed'))).toEqual([])
  })
})
