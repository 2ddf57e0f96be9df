import { setTimeout as sleep } from 'node:timers/promises'

import { expect, it } from 'vitest'

import { SweepLoop } from './sweep-loop.js'

const NEVER_MS = 1_000_000

it('hints that come during a look make one look more, and none runs beside another', async () => {
  let [looks, atOnce] = [0, 0]
  const look = async () => {
    expect((atOnce += 1)).toBe(1)
    looks += 1
    await sleep(10)
    atOnce -= 1
    return NEVER_MS
  }
  const loop = new SweepLoop({ look, everyMs: NEVER_MS, onTrouble: (error) => expect.fail(String(error)) })
  for (let n = 0; n < 5; n += 1) loop.poke()
  await expect.poll(() => looks).toBe(2)
  await sleep(30)
  expect(looks).toBe(2)
  await loop.stop()
})

it('looks again by itself, sooner when a look asks for it, and tells of trouble once until a look succeeds', async () => {
  const troubles: unknown[] = []
  const ends = [5, 'no', 'no', 5, 'again']
  let looks = 0
  const look = () => {
    const end = ends[looks++] ?? 5
    return typeof end === 'string' ? Promise.reject(new Error(end)) : Promise.resolve(end)
  }
  const loop = new SweepLoop({ look, everyMs: 5, onTrouble: (error) => troubles.push((error as Error).message) })
  loop.wait()
  await expect.poll(() => looks).toBeGreaterThan(5)
  await loop.stop()
  const seen = looks
  loop.poke()
  await sleep(30)
  expect(looks).toBe(seen)
  expect(troubles).toEqual(['no', 'again'])
})
