import { expect, test } from 'vitest'
import { FaultBook } from './fault-book.js'
import { FaultError } from './fault.types.js'
import { readFault } from './read-fault.js'

test('a fault strikes once and surely where nothing else is said', () => {
  expect(readFault({ fault: 'slow', calls: 'all', delayMs: 5 })).toEqual({
    fault: 'slow',
    calls: 'all',
    delayMs: 5,
    times: 1,
    probability: 1,
  })
  expect(readFault({ fault: 'late_start', delayMs: 5, times: null, probability: 0 })).toEqual({
    fault: 'late_start',
    delayMs: 5,
    answer: 'dropped',
    times: null,
    probability: 0,
  })
})

test.each([
  [{}, 'fault'],
  [{ fault: 'fire' }, 'fault'],
  [{ fault: 'toString' }, 'fault'],
  [{ fault: 'refuse' }, 'calls'],
  [{ fault: 'refuse', calls: 'pause' }, 'calls'],
  [{ fault: 'slow', calls: 'read' }, 'delayMs'],
  [{ fault: 'slow', calls: 'read', delayMs: -1 }, 'delayMs'],
  [{ fault: 'late_start', delayMs: 600_001 }, 'delayMs'],
  [{ fault: 'late_start', delayMs: 1.5 }, 'delayMs'],
  [{ fault: 'late_start', delayMs: '5' }, 'delayMs'],
  [{ fault: 'late_start', delayMs: 5, answer: 'no' }, 'answer'],
  [{ fault: 'late_upload' }, 'delayMs'],
  [{ fault: 'cut_upload', atByte: -1 }, 'atByte'],
  [{ fault: 'lying_start', delayMs: 5 }, 'delayMs'],
  [{ fault: 'lying_start', times: 0 }, 'times'],
  [{ fault: 'lying_start', times: 'once' }, 'times'],
  [{ fault: 'lying_start', probability: 1.1 }, 'probability'],
  [{ fault: 'lying_start', probability: null }, 'probability'],
])('%j is no fault, and the error names the field %s', (order, field) => {
  const read = () => readFault(order)
  expect(read).toThrow(FaultError)
  expect(read).toThrow(expect.objectContaining({ field, message: expect.stringContaining(field) as string }) as Error)
})

test('a hundred faults may be armed; one that has struck makes room for the next', () => {
  const book = new FaultBook('seed')
  const plan = readFault({ fault: 'lying_start' })
  for (let armed = 0; armed < 100; armed++) book.add(plan)
  expect(() => book.add(plan)).toThrow('100 faults are armed already')
  expect([...book.striking('start')].length).toBe(100)
  expect(book.idle).toBe(true)
  expect(book.add(plan)).toMatchObject({ id: 'f101', struck: 0, left: 1 })
  expect(book.idle).toBe(false)
  expect(book.clear()).toBe(100)
})
