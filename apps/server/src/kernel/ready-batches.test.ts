import { setTimeout as sleep } from 'node:timers/promises'

import { expect, it } from 'vitest'

import { readyBatches } from './ready-batches.js'

async function* inSpurts(spurts: number[][]): AsyncGenerator<number, void, void> {
  for (const spurt of spurts) {
    yield* spurt
    await sleep(5)
  }
}

const lotsOf = async (source: AsyncIterable<number>, most = 100): Promise<number[][]> => {
  const lots: number[][] = []
  for await (const lot of readyBatches(source, most)) lots.push(lot)
  return lots
}

it('gives together what comes together, in order, and waits for nothing', async () => {
  expect(await lotsOf(inSpurts([[1, 2, 3], [4], [5, 6]]))).toEqual([[1, 2, 3], [4], [5, 6]])
})

it('gives no lot of more than the most', async () => {
  expect(await lotsOf(inSpurts([[1, 2, 3, 4, 5]]), 2)).toEqual([[1, 2], [3, 4], [5]])
})

it('gives what came before a failure, and then fails', async () => {
  async function* failing(): AsyncGenerator<number, void, void> {
    yield 1
    await sleep(1)
    throw new Error('the log cannot be read')
  }
  const lots: number[][] = []
  const reading = (async () => {
    for await (const lot of readyBatches(failing(), 10)) lots.push(lot)
  })()
  await expect(reading).rejects.toThrow('the log cannot be read')
  expect(lots).toEqual([[1]])
})

it('ends its source when the reader stops', async () => {
  let ended = false
  async function* endless(): AsyncGenerator<number, void, void> {
    try {
      for (let count = 0; ; count += 1) yield await Promise.resolve(count)
    } finally {
      ended = true
    }
  }
  for await (const lot of readyBatches(endless(), 3)) {
    expect(lot).toEqual([0, 1, 2])
    break
  }
  await expect.poll(() => ended).toBe(true)
})
