import { Secret, TOTP } from 'otpauth'
import { describe, expect, it } from 'vitest'

import { SYSTEM_ACTOR } from '../../kernel/index.js'
import { EMAIL, openAuth, PASSWORD } from '../../testing/auth-bench.js'

type Bench = Awaited<ReturnType<typeof openAuth>>

const HALF_MINUTE_MS = 30_000

/** An authenticator app. */
const appWith =
  (secret: string) =>
  (timestamp = Date.now()): string =>
    new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp })

/** Codes work once, and no test waits for the next: that of now and the one after are both taken, in this order. */
const twoCodes = (secret: string): [string, string] => {
  const codeAt = appWith(secret)
  return [codeAt(), codeAt(Date.now() + HALF_MINUTE_MS)]
}

const wrongCode = (secret: string): string => {
  const codeAt = appWith(secret)
  const right = new Set([-2, -1, 0, 1, 2].map((steps) => codeAt(Date.now() + steps * HALF_MINUTE_MS)))
  return ['000000', '000001', '000002', '000003'].find((code) => !right.has(code)) ?? ''
}

const actorOf = async ({ authenticator, login }: Bench) => {
  const { accessToken } = await login()
  const actor = await authenticator.authenticate(`Bearer ${accessToken}`)
  if (actor === null) throw new Error('nobody')
  return actor
}

/** With one that is confirmed; `nextCode` is still to be used. */
const openWithFactor = async () => {
  const bench = await openAuth()
  const actor = await actorOf(bench)
  const { secret } = await bench.secondFactors.begin(actor, PASSWORD, null)
  const [usedCode, nextCode] = twoCodes(secret)
  const { recoveryCodes } = await bench.secondFactors.confirm(actor, usedCode)
  return { ...bench, actor, secret, usedCode, nextCode, recoveryCodes }
}

const codeOf = (trying: Promise<unknown>) =>
  trying.then(
    () => 'OK',
    (error: unknown) => (error as { code: string }).code,
  )

describe('a second factor', () => {
  it('is asked for only once its first code was given, and then by every login', async () => {
    await using bench = await openAuth()
    const { secondFactors, login } = bench
    const actor = await actorOf(bench)
    const { secret, uri } = await secondFactors.begin(actor, PASSWORD, null)
    expect(uri).toBe(
      `otpauth://totp/Gantry:${encodeURIComponent(EMAIL)}?issuer=Gantry&secret=${secret}&algorithm=SHA1&digits=6&period=30`,
    )
    expect(await codeOf(login())).toBe('OK')
    expect(await codeOf(secondFactors.confirm(actor, wrongCode(secret)))).toBe('INVALID_CREDENTIALS')
    expect(await secondFactors.status(actor)).toEqual({ enabled: false, recoveryCodesLeft: 0 })
    const [first, second] = twoCodes(secret)
    const { recoveryCodes } = await secondFactors.confirm(actor, first)
    expect(recoveryCodes).toHaveLength(10)
    expect(new Set(recoveryCodes).size).toBe(10)
    for (const code of recoveryCodes) expect(code).toMatch(/^([a-z0-9]{4}-){3}[a-z0-9]{4}$/)
    expect(await secondFactors.status(actor)).toEqual({ enabled: true, recoveryCodesLeft: 10 })
    expect(await codeOf(login())).toBe('SECOND_FACTOR_REQUIRED')
    expect(await codeOf(login(PASSWORD, EMAIL, wrongCode(secret)))).toBe('INVALID_CREDENTIALS')
    expect(await codeOf(login(PASSWORD, EMAIL, `${second.slice(0, 3)} ${second.slice(3)}`))).toBe('OK')
  })

  it('says nothing about itself to who does not know the password', async () => {
    await using bench = await openWithFactor()
    expect(await codeOf(bench.login('wrong'))).toBe('INVALID_CREDENTIALS')
    expect(await codeOf(bench.login('wrong', EMAIL, bench.nextCode))).toBe('INVALID_CREDENTIALS')
  })

  it('takes no code twice, nor one from before it, not even at once', async () => {
    await using bench = await openWithFactor()
    const { login, usedCode, nextCode } = bench
    expect(await codeOf(login(PASSWORD, EMAIL, usedCode))).toBe('INVALID_CREDENTIALS')
    const atOnce = await Promise.all([1, 2, 3, 4].map(() => codeOf(login(PASSWORD, EMAIL, nextCode))))
    expect(atOnce.sort()).toEqual(['INVALID_CREDENTIALS', 'INVALID_CREDENTIALS', 'INVALID_CREDENTIALS', 'OK'])
    expect(await codeOf(login(PASSWORD, EMAIL, usedCode))).toBe('INVALID_CREDENTIALS')
  })

  it('takes each recovery code once, however it is typed, and tells that one was used', async () => {
    await using bench = await openWithFactor()
    const [code = ''] = bench.recoveryCodes
    expect(await codeOf(bench.login(PASSWORD, EMAIL, ` ${code.replaceAll('-', ' ').toUpperCase()}`))).toBe('OK')
    expect(await codeOf(bench.login(PASSWORD, EMAIL, code))).toBe('INVALID_CREDENTIALS')
    expect(await bench.secondFactors.status(bench.actor)).toEqual({ enabled: true, recoveryCodesLeft: 9 })
    const events = await bench.prisma.event.findMany({ where: { type: 'second_factor.recovery_code_used' } })
    expect(events.map(({ payload }) => payload)).toEqual([{ userId: bench.userId, left: 9 }])
  })

  it('is not looked at for the rest of an hour after ten wrong codes, from wherever they come', async () => {
    await using bench = await openWithFactor()
    const { auth, secret, prisma, nextCode } = bench
    const from = (n: number, code: string) =>
      codeOf(auth.login({ email: EMAIL, password: PASSWORD, code }, { userAgent: null, ip: `192.0.2.${n}` }))
    for (let n = 1; n <= 10; n += 1) expect(await from(n, wrongCode(secret))).toBe('INVALID_CREDENTIALS')
    expect(await from(11, nextCode)).toBe('RATE_LIMITED')
    // The database's clock counts.
    await prisma.$executeRaw`UPDATE second_factor SET failures_since = failures_since - interval '1 hour'`
    expect(await from(12, nextCode)).toBe('OK')
    expect(await prisma.secondFactor.findFirst()).toMatchObject({ failures: 0 })
  })

  it('goes away, or gets new recovery codes, only with the password and a code', async () => {
    await using bench = await openWithFactor()
    const { secondFactors, actor, recoveryCodes, login } = bench
    const [one = '', two = '', three = ''] = recoveryCodes
    expect(await codeOf(secondFactors.renewRecoveryCodes(actor, 'wrong', one, null))).toBe('INVALID_CREDENTIALS')
    const renewed = (await secondFactors.renewRecoveryCodes(actor, PASSWORD, one, null)).recoveryCodes
    expect(await codeOf(login(PASSWORD, EMAIL, two))).toBe('INVALID_CREDENTIALS')
    expect(await codeOf(secondFactors.remove(actor, PASSWORD, three, null))).toBe('INVALID_CREDENTIALS')
    await secondFactors.remove(actor, PASSWORD, renewed[0] ?? '', null)
    expect(await secondFactors.status(actor)).toEqual({ enabled: false, recoveryCodesLeft: 0 })
    expect(await codeOf(login())).toBe('OK')
    expect(await codeOf(secondFactors.remove(actor, PASSWORD, three, null))).toBe('INVALID_STATE')
  })

  it('is replaced only after it was removed, but begun anew as often as wanted before', async () => {
    await using bench = await openAuth()
    const actor = await actorOf(bench)
    const first = await bench.secondFactors.begin(actor, PASSWORD, null)
    const second = await bench.secondFactors.begin(actor, PASSWORD, null)
    expect(second.secret).not.toBe(first.secret)
    expect(await codeOf(bench.secondFactors.begin(actor, 'wrong', null))).toBe('INVALID_CREDENTIALS')
    const [code, next] = twoCodes(second.secret)
    await bench.secondFactors.confirm(actor, code)
    expect(await codeOf(bench.secondFactors.begin(actor, PASSWORD, null))).toBe('INVALID_STATE')
    expect(await codeOf(bench.secondFactors.confirm(actor, next))).toBe('INVALID_STATE')
  })

  it('is removed by an admin when device and codes are lost, once', async () => {
    await using bench = await openWithFactor()
    await bench.secondFactors.reset(SYSTEM_ACTOR, bench.userId)
    expect(await codeOf(bench.login())).toBe('OK')
    await bench.secondFactors.reset(SYSTEM_ACTOR, bench.userId)
    expect(await bench.prisma.event.count({ where: { type: 'second_factor.disabled' } })).toBe(1)
    expect(await codeOf(bench.secondFactors.reset(SYSTEM_ACTOR, 'usr_unknown'))).toBe('NOT_FOUND')
  })

  it('leaves neither seed nor codes readable in the database', async () => {
    await using bench = await openWithFactor()
    const rows = JSON.stringify([
      await bench.prisma.secondFactor.findMany(),
      await bench.prisma.recoveryCode.findMany(),
      (await bench.prisma.event.findMany()).map(({ payload }) => payload),
    ])
    expect(rows).not.toContain(bench.secret)
    for (const code of bench.recoveryCodes) {
      expect(rows).not.toContain(code)
      expect(rows).not.toContain(code.replaceAll('-', ''))
    }
  })
})
