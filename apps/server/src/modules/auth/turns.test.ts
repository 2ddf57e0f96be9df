import { expect, it } from 'vitest'

import { Turns } from './turns.js'

/** Tasks that end when they are told to. */
const openTasks = (turns: Turns) => {
  const begun: string[] = []
  const ends = new Map<string, { resolve: () => void; reject: (error: Error) => void }>()
  const run = (name: string) =>
    turns.run(
      () =>
        new Promise<string>((resolve, reject) => {
          begun.push(name)
          ends.set(name, { resolve: () => resolve(name), reject })
        }),
    )
  const settled = () => new Promise<void>((resolve) => setImmediate(resolve))
  return { begun, run, end: (name: string) => ends.get(name)!, settled }
}

it('lets so many go on at once, the others in the order in which they came, and sends away who finds too many', async () => {
  const turns = new Turns({ atOnce: 2, waiting: 2, retryAfterSeconds: 3 })
  const { begun, run, end, settled } = openTasks(turns)
  const all = ['a', 'b', 'c', 'd'].map(run)
  await settled()
  expect(begun).toEqual(['a', 'b'])
  await expect(run('e')).rejects.toMatchObject({ code: 'UNAVAILABLE', retryAfterSeconds: 3 })
  end('b').resolve()
  await settled()
  expect(begun).toEqual(['a', 'b', 'c'])
  const late = run('f')
  for (const name of ['a', 'c']) end(name).resolve()
  await settled()
  expect(begun).toEqual(['a', 'b', 'c', 'd', 'f'])
  for (const name of ['d', 'f']) end(name).resolve()
  expect(await Promise.all([...all, late])).toEqual(['a', 'b', 'c', 'd', 'f'])
})

it('gives the turn of a task that failed to the next', async () => {
  const { begun, run, end, settled } = openTasks(new Turns({ atOnce: 1, waiting: 1, retryAfterSeconds: 1 }))
  const [first, second] = [run('a'), run('b')]
  await settled()
  end('a').reject(new Error('failed'))
  await expect(first).rejects.toThrow('failed')
  await settled()
  expect(begun).toEqual(['a', 'b'])
  end('b').resolve()
  expect(await second).toBe('b')
})
