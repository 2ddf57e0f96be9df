import { describe, expect, it } from 'vitest'

import { dropOf, DropSum, matches, redisPattern } from './drops.js'

describe('a pattern', () => {
  it.each([
    ['user:*', 'user:', true],
    ['user:*', 'user:1:x', true],
    ['user:*', 'users:1', false],
    ['user:1', 'user:1', true],
    ['user:1', 'user:11', false],
    ['*', '', true],
    ['a*a', 'a', false],
    ['a*a', 'aa', true],
    ['*b*d*', 'abcde', true],
    ['*d*b*', 'abcde', false],
    ['a*bc*c', 'abc', false],
    ['a?c', 'abc', false],
    ['a[b]c', 'abc', false],
  ])('%s, asked of %s: %s', (pattern, text, matched) => {
    expect(matches(pattern, text)).toBe(matched)
  })

  it('takes no long time over many stars', () => {
    expect(matches('a*'.repeat(200) + 'b', 'a'.repeat(20_000))).toBe(false)
  })

  it('means the same to Redis', () => {
    expect(redisPattern('a?[b]\\*')).toBe('a\\?\\[b\\]\\\\*')
  })
})

describe('drops put together', () => {
  it('name each thing once', () => {
    const sum = new DropSum()
    sum.add(dropOf({ tags: ['a', 'b'] }))
    sum.add(dropOf({ tags: ['b'], keys: ['k'] }))
    expect(sum.take()).toEqual({ tags: ['a', 'b'], keys: ['k'], patterns: [], all: false })
    expect(sum.isEmpty).toBe(true)
  })

  it('become everything when there are too many', () => {
    const sum = new DropSum()
    for (let n = 0; n <= 2_000; n += 1) sum.add(dropOf({ keys: [`${n}`] }))
    sum.add(dropOf({ tags: ['late'] }))
    expect(sum.take()).toEqual({ tags: [], keys: [], patterns: [], all: true })
  })
})
