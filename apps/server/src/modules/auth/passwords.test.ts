import { expect, it } from 'vitest'

import { hashPassword, isWeakHash, verifyPassword } from './passwords.js'

it('hashes with Argon2id and a salt of its own, and knows the password again', async () => {
  const [one, other] = await Promise.all([hashPassword('correct horse'), hashPassword('correct horse')])
  expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
  expect(one).not.toBe(other)
  expect(await verifyPassword(one, 'correct horse')).toBe(true)
  expect(await verifyPassword(one, 'wrong horse')).toBe(false)
  expect(await verifyPassword(null, 'correct horse')).toBe(false)
})

it.each([
  ['$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA', false],
  ['$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA', false],
  ['$argon2id$v=19$m=19456,t=1,p=1$c2FsdA$aGFzaA', true],
  ['$argon2id$v=19$m=9216,t=4,p=1$c2FsdA$aGFzaA', true],
  ['$argon2i$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA', true],
  ['$2b$10$N9qo8uLOickgx2ZMRZoMye', true],
])('knows whether %s was made with less than today: %s', (passwordHash, expected) => {
  expect(isWeakHash(passwordHash)).toBe(expected)
})

it('sends away who comes while a hundred wait, and leaves the loop free meanwhile', async () => {
  let turns = 0
  const counting = setInterval(() => (turns += 1), 1)
  const results = await Promise.allSettled(Array.from({ length: 130 }, () => verifyPassword(null, 'wrong')))
  clearInterval(counting)
  const refused = results.filter(({ status }) => status === 'rejected')
  expect(refused.length).toBeGreaterThanOrEqual(26)
  expect(refused.length).toBeLessThan(30)
  expect(refused[0]).toMatchObject({ reason: { code: 'UNAVAILABLE', retryAfterSeconds: 2 } })
  // A loop that is held up turns once per hash at most.
  expect(turns).toBeGreaterThan(130)
  expect(await verifyPassword(null, 'wrong')).toBe(false)
})
