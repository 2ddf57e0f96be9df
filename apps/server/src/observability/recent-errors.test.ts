import { describe, expect, it } from 'vitest'

import { correlated, correlationOf } from '../kernel/correlation.js'
import { GantryError } from '../kernel/errors.js'
import { RecentErrors } from './recent-errors.js'

const openErrors = () => {
  let nowMs = 0
  return new RecentErrors({ now: () => (nowMs += 1_000) })
}

describe('the last errors', () => {
  it('are the twenty newest, the newest first', () => {
    const errors = openErrors()
    for (let n = 1; n <= 25; n += 1) errors.note({ error: undefined, message: `number ${n}`, fields: {} })
    expect(errors.list()).toHaveLength(20)
    expect(errors.list()[0]).toEqual({
      ...{ at: '1970-01-01T00:00:25.000Z', code: 'INTERNAL', message: 'number 25', times: 1, requestId: null },
    })
    expect(errors.list().at(-1)?.message).toBe('number 6')
  })

  it('are one with a count when they are the same, and push nothing out', () => {
    const errors = openErrors()
    errors.note({ error: undefined, message: 'the disk is full', fields: {} })
    for (let n = 0; n < 50; n += 1) errors.note({ error: undefined, message: 'no database', fields: {} })
    expect(errors.list()).toMatchObject([
      { at: '1970-01-01T00:00:51.000Z', message: 'no database', times: 50 },
      { message: 'the disk is full', times: 1 },
    ])
  })

  it('hold no secret and no stack, and are short', () => {
    const errors = openErrors()
    const error = new Error(`postgresql://gantry:hunter2@db/gantry was refused ${'x'.repeat(10_000)}`)
    errors.note({ error, message: 'call failed', fields: { password: 'hunter2' } })
    expect(JSON.stringify(errors.list())).not.toMatch(/hunter2|recent-errors\.test/)
    expect(errors.list()[0]?.message).toHaveLength(300)
  })

  it('have their code, and the request that they belong to', () => {
    const errors = openErrors()
    const full = { error: new GantryError('STORAGE_FULL'), message: 'call failed', fields: { requestId: 'r1' } }
    errors.note(full)
    correlated(correlationOf({ requestId: 'r2' }), () =>
      errors.note({ error: new Error('broken'), message: 'a job failed', fields: {} }),
    )
    expect(errors.list()).toMatchObject([
      { code: 'INTERNAL', message: 'a job failed: broken', requestId: 'r2' },
      { code: 'STORAGE_FULL', requestId: 'r1' },
    ])
  })
})
