import { describe, expect, it } from 'vitest'

import { Gatherer } from './gatherer.js'

const open = () => {
  const lots: { items: string[]; finish: () => void; fail: () => void }[] = []
  const gatherer = new Gatherer<string, string>(
    (items) =>
      new Promise((resolve, reject) => {
        const finish = () => resolve(items.map((item) => `${item}!`))
        lots.push({ items, finish, fail: () => reject(new Error('no database')) })
      }),
  )
  return { gatherer, lots }
}

describe('things that are asked for', () => {
  it('while others are done are done together by the next lot, which began after they were asked for', async () => {
    const { gatherer, lots } = open()
    const first = gatherer.do('a')
    const others = Promise.all(['a', 'b', 'c'].map((item) => gatherer.do(item)))
    expect(lots.map(({ items }) => items)).toEqual([['a']])
    lots[0]?.finish()
    expect(await first).toBe('a!')
    await expect.poll(() => lots.length).toBe(2)
    expect(lots[1]?.items).toEqual(['a', 'b', 'c'])
    lots[1]?.finish()
    expect(await others).toEqual(['a!', 'b!', 'c!'])
  })

  it('fail for those who asked, and are done for whoever asks next', async () => {
    const { gatherer, lots } = open()
    const first = gatherer.do('a')
    const second = gatherer.do('b')
    lots[0]?.fail()
    await expect(first).rejects.toThrow('no database')
    await expect.poll(() => lots.length).toBe(2)
    lots[1]?.finish()
    expect(await second).toBe('b!')
    const third = gatherer.do('c')
    lots[2]?.finish()
    expect(await third).toBe('c!')
  })
})
