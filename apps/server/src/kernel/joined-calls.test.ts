import { setImmediate as turn } from 'node:timers/promises'

import { expect, it } from 'vitest'

import { JoinedCalls } from './joined-calls.js'

/** Calls that end when the test says so. */
const heldCalls = (most?: number) => {
  const calls: { keys: readonly string[]; answer: () => void; fail: (error: Error) => void }[] = []
  const joined = new JoinedCalls<string>(
    (keys) =>
      new Promise((resolve, reject) => {
        calls.push({ keys, answer: () => resolve((key) => `of ${key}`), fail: reject })
      }),
    most,
  )
  return { joined, calls, keys: () => calls.map((call) => [...call.keys]) }
}

it('asks at once for the first, and together for those that came meanwhile', async () => {
  const { joined, calls, keys } = heldCalls()
  const answers = Promise.all(['a', 'b', 'c'].map((key) => joined.ask(key)))
  expect(keys()).toEqual([['a']])
  calls[0]?.answer()
  await turn()
  expect(keys()).toEqual([['a'], ['b', 'c']])
  calls[1]?.answer()
  expect(await answers).toEqual(['of a', 'of b', 'of c'])
})

it('fails for those that were asked together, and goes on with the next', async () => {
  const { joined, calls, keys } = heldCalls()
  const [first, second] = [joined.ask('a'), joined.ask('b')]
  calls[0]?.fail(new Error('away'))
  await expect(first).rejects.toThrow('away')
  await turn()
  calls[1]?.answer()
  expect(await second).toBe('of b')
  expect(keys()).toEqual([['a'], ['b']])
})

it('asks for no more at once than it may', async () => {
  const { joined, calls, keys } = heldCalls(2)
  const answers = Promise.all(['a', 'b', 'c', 'd'].map((key) => joined.ask(key)))
  for (let n = 0; n < 3; n += 1) {
    calls[n]?.answer()
    await turn()
  }
  expect(await answers).toHaveLength(4)
  expect(keys()).toEqual([['a'], ['b', 'c'], ['d']])
})
