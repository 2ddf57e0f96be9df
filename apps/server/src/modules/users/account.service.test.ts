import { describe, expect, it } from 'vitest'

import { openAccounts, ORIGIN } from '../../testing/accounts-bench.js'
import { EMAIL, PASSWORD } from '../../testing/auth-bench.js'

const NEW_PASSWORD = 'seven purple lanterns'

describe('changing the password', () => {
  it('takes the present one, ends all other sessions, and lets this one go on', async () => {
    await using bench = await openAccounts()
    const { account, actorOf, stillIn, login, auth, events } = bench
    const [here, there] = [await actorOf(EMAIL), await actorOf(EMAIL)]
    const { refreshToken } = await login()
    await account.changePassword(here, { currentPassword: PASSWORD, newPassword: NEW_PASSWORD }, ORIGIN)
    expect([await stillIn(here.accessToken), await stillIn(there.accessToken)]).toEqual([true, false])
    await expect(auth.refresh(refreshToken)).rejects.toMatchObject({ code: 'SESSION_ENDED' })
    await expect(login(PASSWORD)).rejects.toMatchObject({ code: 'INVALID_CREDENTIALS' })
    await login(NEW_PASSWORD)
    expect(await events('session.ended')).toHaveLength(2)
    expect(await events('user.updated')).toMatchObject([{ actorId: here.id }])
  })

  it('is refused with a wrong one, and after five of them for a while, as logging in is', async () => {
    await using bench = await openAccounts()
    const { account, actorOf, login, prisma } = bench
    const ada = await actorOf(EMAIL)
    const before = await prisma.user.findMany()
    const changing = (currentPassword: string, newPassword = NEW_PASSWORD) =>
      account.changePassword(ada, { currentPassword, newPassword }, ORIGIN)
    await expect(changing(PASSWORD, 'iloveyou')).rejects.toMatchObject({
      code: 'PASSWORD_REFUSED',
      fields: { newPassword: [expect.anything()] },
    })
    for (let n = 0; n < 5; n += 1)
      await expect(changing('wrong')).rejects.toMatchObject({
        code: 'INVALID_CREDENTIALS',
      })
    await expect(changing(PASSWORD)).rejects.toMatchObject({ code: 'RATE_LIMITED' })
    await expect(login()).rejects.toMatchObject({ code: 'RATE_LIMITED' })
    expect(await prisma.user.findMany()).toEqual(before)
  })

  it('of two at once with the same present one is done once', async () => {
    await using bench = await openAccounts()
    const { account, actorOf } = bench
    const ada = await actorOf(EMAIL)
    const results = await Promise.allSettled(
      ['seven purple lanterns', 'eight purple lanterns'].map((newPassword) =>
        account.changePassword(ada, { currentPassword: PASSWORD, newPassword }, ORIGIN),
      ),
    )
    expect(results.filter(({ status }) => status === 'rejected')).toMatchObject([
      { reason: { code: 'INVALID_CREDENTIALS' } },
    ])
  })
})

describe('the own profile', () => {
  it('has a name that one changes, and an address for which one gives the password', async () => {
    await using bench = await openAccounts()
    const { account, actorOf, login, service, root, userId } = bench
    const ada = await actorOf(EMAIL)
    expect(await account.updateProfile(ada, { displayName: 'Ada L.' }, ORIGIN)).toMatchObject({ displayName: 'Ada L.' })
    const email = 'lovelace@example.org'
    for (const currentPassword of [undefined, 'wrong'])
      await expect(account.updateProfile(ada, { email, currentPassword }, ORIGIN)).rejects.toMatchObject({
        code: 'INVALID_CREDENTIALS',
      })
    const { token } = await service.sendPasswordLink(root, userId)
    expect(await account.updateProfile(ada, { email, currentPassword: PASSWORD }, ORIGIN)).toMatchObject({ email })
    await login(PASSWORD, email)
    const reset = account.resetPassword({ token: token ?? '', password: NEW_PASSWORD })
    await expect(reset).rejects.toMatchObject({ code: 'LINK_EXPIRED' })
    const taken = account.updateProfile(ada, { email: 'root@example.org', currentPassword: PASSWORD }, ORIGIN)
    await expect(taken).rejects.toMatchObject({ code: 'NAME_TAKEN', fields: { email: ['is in use'] } })
  })
})

describe('resetting the password', () => {
  it('by the link in the mail works once, within half an hour, and ends all sessions', async () => {
    await using bench = await openAccounts({ canMail: true })
    const { account, actorOf, stillIn, login, mails, tokenIn, prisma } = bench
    const ada = await actorOf(EMAIL)
    await account.requestPasswordReset(EMAIL, ORIGIN)
    const [mail] = await mails()
    expect(mail).toMatchObject({ to: EMAIL, content: { template: 'password-reset' } })
    const token = tokenIn(mail!)
    const [kept] = await prisma.passwordToken.findMany()
    expect(kept!.expiresAt.getTime() - kept!.createdAt.getTime()).toBe(30 * 60_000)
    expect(JSON.stringify([kept, await prisma.outbox.findMany()])).not.toContain(token)
    await expect(account.resetPassword({ token, password: 'iloveyou' })).rejects.toMatchObject({
      code: 'PASSWORD_REFUSED',
    })
    await account.resetPassword({ token, password: NEW_PASSWORD })
    expect(await stillIn(ada.accessToken)).toBe(false)
    await login(NEW_PASSWORD)
    await expect(account.resetPassword({ token, password: NEW_PASSWORD })).rejects.toMatchObject({
      code: 'LINK_EXPIRED',
    })
  })

  it('answers alike for who is unknown, invited or disabled, and mails none of them', async () => {
    await using bench = await openAccounts({ canMail: true })
    const { account, service, root, addUser, mails } = bench
    await service.create(root, { email: 'invited@example.org', role: 'viewer' })
    await service.disable(root, (await addUser('disabled', 'viewer')).id)
    const invitations = (await mails()).length
    for (const name of ['nobody', 'invited', 'disabled'])
      await account.requestPasswordReset(`${name}@example.org`, ORIGIN)
    expect(await mails()).toHaveLength(invitations)
  })

  it('mails at most once a minute, and is refused after five requests from one address', async () => {
    await using bench = await openAccounts({ canMail: true })
    const { account, login, mails, prisma, tokenIn } = bench
    const ask = () => account.requestPasswordReset(EMAIL, ORIGIN)
    await ask()
    await ask()
    expect(await mails()).toHaveLength(1)
    await prisma.$executeRaw`update password_token set created_at = created_at - interval '61 seconds'`
    await ask()
    const [first, second] = await mails()
    const choosing = account.resetPassword({ token: tokenIn(first!), password: NEW_PASSWORD })
    await expect(choosing).rejects.toMatchObject({ code: 'LINK_EXPIRED' })
    for (let n = 0; n < 2; n += 1) await ask()
    await expect(ask()).rejects.toMatchObject({ code: 'RATE_LIMITED' })
    // Neither hinders logging in, nor is the mail that was sent worth less.
    await login()
    await account.resetPassword({ token: tokenIn(second!), password: NEW_PASSWORD })
  })
})
