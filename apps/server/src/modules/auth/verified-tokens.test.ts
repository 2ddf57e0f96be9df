import { randomBytes } from 'node:crypto'

import { describe, expect, it } from 'vitest'

import { unchangingKeys, newId } from '../../kernel/index.js'
import { movableClock } from '../../testing/auth-bench.js'
import { AccessTokens } from './access-tokens.js'
import { VerifiedTokens } from './verified-tokens.js'

const open = async () => {
  const { clock, move } = movableClock()
  const signingKey = randomBytes(32)
  const tokens = new AccessTokens({ keys: unchangingKeys(signingKey), lifetimeSeconds: 600, clock })
  const claims = { userId: newId('user'), sessionId: newId('session') }
  const elsewhere = new AccessTokens({ keys: unchangingKeys(signingKey), lifetimeSeconds: 600, clock })
  const { token } = await elsewhere.issue({ ...claims, role: 'viewer' })
  return { clock, move, signingKey, tokens, elsewhere, claims, token }
}

/** As a caller is recognised: what is known is not verified again. */
const known = async (tokens: AccessTokens, token: string) => tokens.recall(token) ?? (await tokens.verify(token))

const unauthenticated = { code: 'UNAUTHENTICATED' }

describe('a token that was verified once', () => {
  it('gives the same claims again', async () => {
    const { tokens, claims, token } = await open()
    expect(tokens.recall(token)).toBeUndefined()
    for (let n = 0; n < 3; n += 1) expect(await known(tokens, token)).toEqual(claims)
    expect(tokens.recall(token)).toEqual(claims)
  })

  it('is known from the first time on to the process that gave it', async () => {
    const { elsewhere, token, claims, move } = await open()
    expect(elsewhere.recall(token)).toEqual(claims)
    move(600_000)
    expect(elsewhere.recall(token)).toBeUndefined()
  })

  it('is refused once it has expired', async () => {
    const { tokens, token, move, claims } = await open()
    await tokens.verify(token)
    move(599_000)
    expect(await known(tokens, token)).toEqual(claims)
    move(7_000)
    for (let n = 0; n < 2; n += 1) await expect(known(tokens, token)).rejects.toMatchObject(unauthenticated)
  })

  it('does not vouch for the same payload under another signature, nor for another payload under its own', async () => {
    const { tokens, token, elsewhere, claims } = await open()
    await tokens.verify(token)
    const [head, payload, signature = ''] = token.split('.')
    const otherSignature = randomBytes(32).toString('base64url')
    const [, otherPayload] = (await elsewhere.issue({ ...claims, userId: newId('user'), role: 'admin' })).token.split(
      '.',
    )
    const forged = [
      `${head}.${payload}.${otherSignature}`,
      `${head}.${payload}.`,
      `${head}.${otherPayload}.${signature}`,
    ]
    for (const each of forged) await expect(known(tokens, each)).rejects.toMatchObject(unauthenticated)
    // Nor does a refusal become an answer.
    for (const each of forged) await expect(known(tokens, each)).rejects.toMatchObject(unauthenticated)
  })

  it('is nothing to those who sign with another key', async () => {
    const { tokens, token, clock } = await open()
    await tokens.verify(token)
    const others = new AccessTokens({ keys: unchangingKeys(randomBytes(32)), lifetimeSeconds: 600, clock })
    await expect(known(others, token)).rejects.toMatchObject(unauthenticated)
  })
})

describe('a token of a key of before', () => {
  it('is good as long as that key is known, and is made no more', async () => {
    const { tokens, token, claims, signingKey, clock } = await open()
    const next = randomBytes(32)
    const after = new AccessTokens({ keys: unchangingKeys(next, signingKey), lifetimeSeconds: 600, clock })
    expect(await after.verify(token)).toEqual(claims)
    const { token: made } = await after.issue({ ...claims, role: 'viewer' })
    await expect(tokens.verify(made)).rejects.toMatchObject(unauthenticated)
    const alone = new AccessTokens({ keys: unchangingKeys(next), lifetimeSeconds: 600, clock })
    expect(await alone.verify(made)).toEqual(claims)
    await expect(alone.verify(token)).rejects.toMatchObject(unauthenticated)
  })
})

describe('the memory of verified tokens', () => {
  it('is bounded; those unused for longest go first', () => {
    const memory = new VerifiedTokens({ now: () => 0 }, 3)
    const claims = (n: number) => ({ userId: `usr_${n}`, sessionId: `ses_${n}` })
    for (let n = 0; n < 3; n += 1) memory.remember(`token ${n}`, claims(n), 60_000)
    memory.recall('token 0')
    memory.remember('token 3', claims(3), 60_000)
    expect([0, 1, 2, 3].map((n) => memory.recall(`token ${n}`)?.userId)).toEqual(['usr_0', undefined, 'usr_2', 'usr_3'])
  })

  it('answers no longer than the token lives', () => {
    let now = 0
    const memory = new VerifiedTokens({ now: () => now })
    memory.remember('token', { userId: 'usr_1', sessionId: 'ses_1' }, 1_000)
    now = 999
    expect(memory.recall('token')).toBeDefined()
    now = 1_000
    expect(memory.recall('token')).toBeUndefined()
  })
})
