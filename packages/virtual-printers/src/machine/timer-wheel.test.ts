import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { ScaledClock } from './clock.js'
import { TimerWheel } from './timer-wheel.js'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test('tasks run at their own intervals, also beyond one turn of the wheel, on a single timer', () => {
  const wheel = new TimerWheel()
  const runs = { fast: 0, slow: 0 }
  const cancelFast = wheel.every(100, () => runs.fast++)
  const cancelSlow = wheel.every(10_000, () => runs.slow++)
  expect(vi.getTimerCount()).toBe(1)
  vi.advanceTimersByTime(60_000)
  expect(runs).toEqual({ fast: 600, slow: 6 })
  cancelFast()
  cancelFast()
  vi.advanceTimersByTime(10_000)
  expect(runs).toEqual({ fast: 600, slow: 7 })
  cancelSlow()
  expect(vi.getTimerCount()).toBe(0)
})

test('tasks of the same interval are spread, and may cancel themselves or add others', () => {
  const wheel = new TimerWheel()
  const perTick: number[] = []
  let now = 0
  const cancels = Array.from({ length: 20 }, () => wheel.every(1000, () => void perTick.push(now)))
  for (now = 1; now <= 20; now++) vi.advanceTimersByTime(50)
  expect(new Set(perTick).size).toBe(20)
  let once = 0
  const cancel = wheel.every(50, () => {
    once++
    cancel()
    wheel.every(50, () => once++)
  })
  vi.advanceTimersByTime(50)
  cancels.forEach((stop) => stop())
  expect(once).toBe(1)
  vi.advanceTimersByTime(100)
  expect(once).toBe(3)
})

test('the lines of a tick are shared by all who ask', () => {
  const wheel = new TimerWheel()
  wheel.every(50, () => undefined)
  let granted = 0
  for (let machine = 0; machine < 100; machine++) granted += wheel.grantLines(256)
  expect(granted).toBe(10_000)
  expect(wheel.grantLines(256)).toBe(0)
  vi.advanceTimersByTime(50)
  expect(wheel.grantLines(256)).toBe(256)
})

test('a clock changes its speed without a jump and refuses nonsense', () => {
  let wall = 1000
  const clock = new ScaledClock(10, () => wall)
  wall += 100
  expect(clock.nowMs()).toBe(1000)
  clock.setSpeed(1)
  expect(clock.nowMs()).toBe(1000)
  wall += 100
  expect(clock.nowMs()).toBe(1100)
  expect(() => clock.setSpeed(0)).toThrow(RangeError)
  expect(() => clock.setSpeed(Number.NaN)).toThrow(RangeError)
})
