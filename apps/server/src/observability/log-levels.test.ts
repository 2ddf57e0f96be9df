import { describe, expect, it } from 'vitest'

import { ManualClock } from '../testing/manual-clock.js'
import { LogLevels } from './log-levels.js'
import { createLogger } from './logger.js'

const setUp = () => {
  const clock = new ManualClock()
  const levels = new LogLevels('warn', clock)
  const lines: string[] = []
  const log = createLogger({ levels, destination: { write: (line) => void lines.push(line) } })
  const inMinutes = (minutes: number) => new Date(clock.now() + minutes * 60_000)
  return { clock, levels, log, lines, inMinutes }
}

describe('the level of the log', () => {
  it('is changed for a while, for children that were made before too, and goes back by itself', async () => {
    const { clock, levels, log, lines, inMinutes } = setUp()
    const child = log.child({ requestId: 'r1' })
    const isHeard = () => {
      lines.length = 0
      log.debug({}, 'heard')
      child.debug({}, 'heard')
      return lines.length
    }
    expect([isHeard(), child.isEnabled('debug'), levels.until]).toEqual([0, false, null])
    levels.change('debug', inMinutes(5))
    expect([isHeard(), child.isEnabled('debug'), levels.until]).toEqual([2, true, inMinutes(5)])
    await clock.advance(5 * 60_000 - 1)
    expect(isHeard()).toBe(2)
    await clock.advance(1)
    expect([isHeard(), levels.current, levels.until]).toEqual([0, 'warn', null])
  })

  it('that is wanted last holds, for as long as it was wanted', async () => {
    const { clock, levels, inMinutes } = setUp()
    levels.change('debug', inMinutes(5))
    levels.change('info', inMinutes(10))
    await clock.advance(5 * 60_000)
    expect(levels.current).toBe('info')
    levels.goBack()
    expect([levels.current, levels.until]).toEqual(['warn', null])
    levels.change('debug', inMinutes(-1))
    expect(levels.current).toBe('warn')
  })
})
