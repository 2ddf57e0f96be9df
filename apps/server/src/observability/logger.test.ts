import { describe, expect, it } from 'vitest'

import { GantryError } from '../kernel/errors.js'
import { createLogger } from './logger.js'

const capture = (level: 'debug' | 'info' = 'info') => {
  const lines: string[] = []
  const log = createLogger({ level, destination: { write: (line) => void lines.push(line) } })
  const last = () => JSON.parse(lines.at(-1) ?? 'null') as Record<string, unknown>
  return { log, lines, last }
}

describe('the log', () => {
  it('hides fields whose name says that they are secret, at any depth', () => {
    const { log, last, lines } = capture()
    log.info(
      {
        headers: { Authorization: 'Bearer abcdefghij', 'x-api-key': 'k1', cookie: 'a=b' },
        input: { password: 'hunter2', printer: { apiKey: 'hunter2', api_key: 'hunter2' }, refreshToken: 'hunter2' },
        tokens: 3,
      },
      'seen',
    )
    expect(lines[0]).not.toMatch(/hunter2|abcdefghij|k1|a=b/)
    expect(last()).toMatchObject({ level: 'info', msg: 'seen', tokens: 3, input: { password: '[redacted]' } })
  })

  it.each([
    ['postgresql://gantry:hunter2@db:5432/x', 'postgresql://[redacted]@db:5432/x'],
    ['sent Bearer hunter2hunter2', 'sent Bearer [redacted]'],
    ['BASIC\thunter2hunter2', 'BASIC [redacted]'],
    ['/events?cursor=7&token=hunter2', '/events?cursor=7&token=[redacted]'],
    ['key gty_01ab_hunter2', 'key [redacted]'],
    ['jwt eyJhbGciOiJIUzI1NiJ9.hunter2.sig', 'jwt [redacted]'],
  ])('hides the secret in %s', (text, clean) => {
    const { log, last } = capture()
    log.info({ text }, 'seen')
    expect(last()['text']).toBe(clean)
  })

  it('writes an error with its code, its cause and its stack, and without secrets', () => {
    const { log, last, lines } = capture()
    const cause = new Error('connect http://root:hunter2@10.0.0.5 refused')
    log.error({ err: new GantryError('PRINTER_UNREACHABLE', { detail: 'no answer', cause }) }, 'failed')
    expect(last()['err']).toMatchObject({ code: 'PRINTER_UNREACHABLE', message: 'no answer', cause: { type: 'Error' } })
    expect(lines[0]).not.toContain('hunter2')
  })

  it('survives what cannot be written as JSON: circles, big integers and bytes', () => {
    const { log, last } = capture()
    const circle: Record<string, unknown> = { size: 7n, bytes: new Uint8Array(3) }
    circle['self'] = circle
    log.info(circle, 'seen')
    expect(last()).toMatchObject({ size: '7', bytes: '[3 bytes]' })
  })

  it('names no field twice, whatever a program calls its own', () => {
    const { log, lines, last } = capture()
    log.child({ pid: 7 }).info({ level: 'debug', msg: 'forged', timestamp: 'never' }, 'seen')
    expect(last()).toMatchObject({ level: 'info', level_: 'debug', msg: 'seen', msg_: 'forged', pid_: 7 })
    for (const name of ['level', 'msg', 'timestamp', 'pid']) expect(lines[0]?.split(`"${name}":`)).toHaveLength(2)
  })

  it('leaves out what is below its level and keeps the fields of its parents', () => {
    const { log, last, lines } = capture()
    log.child({ requestId: 'r1', apiKey: 'hunter2' }).debug({}, 'hidden')
    expect(lines).toEqual([])
    log.child({ requestId: 'r1', apiKeyId: 'key_1', apiKey: 'hunter2' }).warn({}, 'shown')
    expect(last()).toMatchObject({ requestId: 'r1', apiKeyId: 'key_1', apiKey: '[redacted]', level: 'warn' })
  })
})
