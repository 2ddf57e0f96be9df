import { describe, expect, it } from 'vitest'

import { recordingLogger } from '../testing/recording-logger.js'
import { notingErrors, RecentErrors } from './recent-errors.js'

describe('the last errors', () => {
  it('are the twenty newest, the newest first', () => {
    let nowMs = 0
    const errors = new RecentErrors({ now: () => (nowMs += 1_000) })
    for (let n = 1; n <= 25; n += 1) errors.note({ code: 'INTERNAL', message: `number ${n}`, requestId: null })
    expect(errors.list()).toHaveLength(20)
    expect(errors.list()[0]).toEqual({
      ...{ at: '1970-01-01T00:00:25.000Z', code: 'INTERNAL', message: 'number 25', requestId: null },
    })
    expect(errors.list().at(-1)?.message).toBe('number 6')
  })

  it('hold no secret and no stack, and are short', () => {
    const errors = new RecentErrors({ now: () => 0 })
    const log = notingErrors(recordingLogger(), errors)
    const secret = new Error(`postgresql://gantry:hunter2@db/gantry was refused ${'x'.repeat(10_000)}`)
    log.error({ err: secret, password: 'hunter2' }, 'call failed')
    expect(JSON.stringify(errors.list())).not.toMatch(/hunter2|recent-errors\.test/)
    expect(errors.list()[0]?.message).toHaveLength(300)
  })

  it('come from error lines alone, and belong to their request', () => {
    const errors = new RecentErrors({ now: () => 0 })
    const log = recordingLogger()
    const noting = notingErrors(log, errors)
    noting.warn({}, 'only a warning')
    noting.child({ requestId: 'req-1' }).child({ procedure: 'x' }).error({ code: 'STORAGE_FULL' }, 'call failed')
    noting.error({ err: new Error('broken') }, 'a job failed')
    expect(errors.list()).toMatchObject([
      { code: 'INTERNAL', message: 'a job failed: broken', requestId: null },
      { code: 'STORAGE_FULL', message: 'call failed', requestId: 'req-1' },
    ])
    expect(log.lines).toHaveLength(3)
  })
})
