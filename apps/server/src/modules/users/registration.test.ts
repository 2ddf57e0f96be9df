import { describe, expect, it } from 'vitest'

import { repositoriesFor } from '../../db/repositories.js'
import { createUnitOfWork } from '../../db/unit-of-work.js'
import { EMAIL, openAuth, PASSWORD } from '../../testing/auth-bench.js'
import { silentHook } from '../../testing/open-database.js'
import { LoginLimiter } from '../auth/login-limiter.js'
import { register, type RegistrationRequest } from './registration.js'

const ORIGIN = { userAgent: 'test', ip: '192.0.2.1' }

const open = async ({ isRegistrationOpen = true } = {}) => {
  const bench = await openAuth()
  const { prisma, clock } = bench
  const unitOfWork = createUnitOfWork({ prisma, repositoriesFor, hook: silentHook })
  const deps = { unitOfWork, limiter: new LoginLimiter(clock), isRegistrationOpen }
  const registered = (request: RegistrationRequest, origin = ORIGIN) => register(deps, request, origin)
  const mails = async () => {
    const rows = await prisma.outbox.findMany({ where: { type: 'EMAIL_NOTIFICATION' } })
    return rows.map(({ payload }) => payload)
  }
  return { ...bench, registered, mails, [Symbol.asyncDispose]: () => bench[Symbol.asyncDispose]() }
}

const request = (email: string, more: { password?: string; displayName?: string } = {}) => ({
  ...{ email, password: 'seven purple lanterns', ...more },
})

describe('registering', () => {
  it('makes an account that may look, with which one logs in', async () => {
    await using bench = await open()
    const { auth, prisma, registered } = bench
    const user = await registered(request('grace@example.org', { displayName: 'Grace H.' }))
    expect(user).toMatchObject({ email: 'grace@example.org', displayName: 'Grace H.', role: 'viewer' })
    const login = await auth.login({ email: 'grace@example.org', password: 'seven purple lanterns' }, ORIGIN)
    expect(login.user).toEqual(user)
    const events = await prisma.event.findMany({ where: { type: 'user.created' } })
    expect(events).toMatchObject([{ subjectType: 'user', subjectId: user.id, actorId: user.id }])
    expect(await registered(request('niels@example.org'))).toMatchObject({ displayName: 'niels' })
  })

  it('answers alike for an address that is taken, changes nothing, and tells its owner once a day', async () => {
    await using bench = await open()
    const { login, mails, prisma, registered } = bench
    const before = await prisma.user.findMany()
    const taken = await registered(request(EMAIL))
    const free = await registered(request('free@example.org'))
    expect({ ...taken, id: '', email: '', displayName: '' }).toEqual({ ...free, id: '', email: '', displayName: '' })
    expect(taken.id).toMatch(/^usr_/)
    expect(taken).toMatchObject({ email: EMAIL, displayName: 'ada', role: 'viewer' })
    await registered(request(EMAIL, { displayName: 'Somebody' }))
    expect(await prisma.user.findMany({ where: { email: EMAIL } })).toEqual(before)
    await login(PASSWORD)
    await expect(login('seven purple lanterns')).rejects.toMatchObject({ code: 'INVALID_CREDENTIALS' })
    const [first, second] = await mails()
    expect(first).toMatchObject({ to: EMAIL, content: { template: 'registration-tried', data: {} } })
    // Of one key, so one mail.
    expect(second).toEqual(first)
  })

  it('of one address many times at once makes one account', async () => {
    await using bench = await open()
    const { prisma, registered } = bench
    const all = await Promise.all([1, 2, 3, 4].map(() => registered(request('many@example.org'))))
    const [kept] = await prisma.user.findMany({ where: { email: 'many@example.org' } })
    expect(all.filter(({ id }) => id === kept?.id)).toHaveLength(1)
    expect(await prisma.event.count({ where: { type: 'user.created' } })).toBe(1)
  })

  it('is refused while it is closed, whatever was sent', async () => {
    await using bench = await open({ isRegistrationOpen: false })
    const { prisma, registered } = bench
    for (const password of ['seven purple lanterns', 'short']) {
      const registering = registered(request('grace@example.org', { password }))
      await expect(registering).rejects.toMatchObject({ code: 'REGISTRATION_CLOSED' })
    }
    expect(await prisma.user.count()).toBe(1)
  })

  it('refuses passwords that cannot be used, without counting them as tries', async () => {
    await using bench = await open()
    const { registered } = bench
    for (let n = 0; n < 12; n += 1) {
      const registering = registered(request('grace@example.org', { password: 'grace12345' }))
      await expect(registering).rejects.toMatchObject({ code: 'PASSWORD_REFUSED' })
    }
    await registered(request('grace@example.org'))
  })

  it('is refused after twenty-five accounts from one address within a quarter of an hour', async () => {
    await using bench = await open()
    const { move, prisma, registered } = bench
    const numbers = Array.from({ length: 25 }, (_, n) => n)
    await Promise.all(numbers.map((n) => registered(request(`pupil${n}@example.org`))))
    const oneMore = () => registered(request('late@example.org'))
    await expect(oneMore()).rejects.toMatchObject({ code: 'RATE_LIMITED' })
    await registered(request('elsewhere@example.org'), { ...ORIGIN, ip: '192.0.2.2' })
    expect(await prisma.user.count()).toBe(27)
    move(901_000)
    await oneMore()
  })
})
