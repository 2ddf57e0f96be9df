import { describe, expect, it } from 'vitest'

import { newId, type Actor } from '../../kernel/index.js'
import { openAccounts } from '../../testing/accounts-bench.js'
import { PASSWORD } from '../../testing/auth-bench.js'

const QUERY = { limit: 50, cursor: null, role: null, state: null, search: null }
const NEW_PASSWORD = 'seven purple lanterns'

describe('a user', () => {
  it('is made with a password, once for one key, and logs in', async () => {
    await using bench = await openAccounts()
    const { service, root, login, events, prisma } = bench
    const input = { email: 'grace@example.org', role: 'operator', password: NEW_PASSWORD, idempotencyKey: 'grace-1234' }
    const made = await service.create(root, { ...input, role: 'operator' })
    expect(made).toMatchObject({
      user: { email: 'grace@example.org', displayName: 'grace', role: 'operator', state: 'active', version: 1 },
      invitation: null,
    })
    expect(await service.create(root, { ...input, role: 'operator' })).toEqual(made)
    expect((await login(NEW_PASSWORD, 'grace@example.org')).user.id).toBe(made.user.id)
    expect(await events('user.created')).toMatchObject([{ subjectId: made.user.id, actorId: root.id }])
    expect(await prisma.user.findUnique({ where: { id: made.user.id } })).toMatchObject({ createdById: root.id })
    const again = service.create(root, { email: 'grace@example.org', role: 'viewer', password: NEW_PASSWORD })
    await expect(again).rejects.toMatchObject({ code: 'NAME_TAKEN', fields: { email: ['is in use'] } })
    const weak = service.create(root, { email: 'weak@example.org', role: 'viewer', password: 'iloveyou' })
    await expect(weak).rejects.toMatchObject({ code: 'PASSWORD_REFUSED' })
  })

  it('is found by role, state and part of a name, page by page', async () => {
    await using bench = await openAccounts()
    const { service, root, addUser } = bench
    for (const name of ['grace', 'niels', 'mary_ann']) await addUser(name, 'viewer')
    const invited = await service.create(root, { email: 'late@example.org', displayName: 'Late Grace', role: 'viewer' })
    await service.disable(root, (await service.list(root, { ...QUERY, search: 'niels' })).items[0]!.id)
    const found = async (more: Partial<Parameters<typeof service.list>[1]>) =>
      (await service.list(root, { ...QUERY, ...more })).items.map(({ displayName }) => displayName)
    expect(await found({ search: 'GRACE' })).toEqual(['Late Grace', 'grace'])
    expect(await found({ search: 'y_a' })).toEqual(['mary_ann'])
    expect(await found({ search: '%' })).toEqual([])
    expect(await found({ role: 'admin' })).toEqual(['root'])
    expect(await found({ state: 'invited' })).toEqual(['Late Grace'])
    expect(await found({ state: 'disabled' })).toEqual(['niels'])
    const first = await service.list(root, { ...QUERY, limit: 2 })
    expect(first.items.map(({ id }) => id)[0]).toBe(invited.user.id)
    const rest = await service.list(root, { ...QUERY, cursor: first.nextCursor })
    expect([...first.items, ...rest.items]).toHaveLength(6)
  })

  it('changes by the version that was seen, and nobody who does not exist does', async () => {
    await using bench = await openAccounts()
    const { service, root, userId } = bench
    const changed = await service.update(root, { id: userId, ifVersion: 1, displayName: 'Ada L.' })
    expect(changed).toMatchObject({ displayName: 'Ada L.', version: 2 })
    await expect(service.update(root, { id: userId, ifVersion: 1, displayName: 'Ada' })).rejects.toMatchObject({
      code: 'VERSION_CONFLICT',
      params: { ifVersion: 1, version: 2 },
    })
    const nobody = newId('user')
    const asked = await Promise.allSettled([
      service.get(root, nobody),
      service.update(root, { id: nobody, displayName: 'x' }),
      service.disable(root, nobody),
      service.sendPasswordLink(root, nobody),
      service.delete(root, { id: nobody, waiveExport: true }),
    ])
    expect(asked).toMatchObject(asked.map(() => ({ status: 'rejected', reason: { code: 'NOT_FOUND' } })))
  })

  it('with another role has to log in again, with another name goes on', async () => {
    await using bench = await openAccounts()
    const { service, root, userId, actorOf, stillIn, events } = bench
    const ada = await actorOf('ada@example.org')
    await service.update(root, { id: userId, displayName: 'Ada L.', role: 'operator' })
    expect(await stillIn(ada.accessToken)).toBe(true)
    await service.update(root, { id: userId, role: 'viewer' })
    expect(await stillIn(ada.accessToken)).toBe(false)
    expect(await events('session.ended')).toMatchObject([{ subjectId: ada.sessionId, actorId: root.id }])
    expect(await actorOf('ada@example.org')).toMatchObject({ role: 'viewer' })
  })

  it('that is disabled is out at once and cannot come in until it is enabled', async () => {
    await using bench = await openAccounts()
    const { service, root, userId, actorOf, stillIn, login, events } = bench
    const [one, other] = [await actorOf('ada@example.org'), await actorOf('ada@example.org')]
    expect(await service.disable(root, userId)).toMatchObject({ state: 'disabled' })
    expect(await Promise.all([stillIn(one.accessToken), stillIn(other.accessToken)])).toEqual([false, false])
    await expect(login()).rejects.toMatchObject({ code: 'INVALID_CREDENTIALS' })
    await expect(service.sendPasswordLink(root, userId)).rejects.toMatchObject({ code: 'INVALID_STATE' })
    await service.disable(root, userId)
    expect(await events('user.disabled')).toHaveLength(1)
    expect(await service.enable(root, userId)).toMatchObject({ state: 'active', disabledAt: null })
    await login()
  })

  it('is deleted with what is its own alone, at the word that no export is wanted', async () => {
    await using bench = await openAccounts()
    const { service, root, userId, actorOf, stillIn, prisma, events } = bench
    const ada = await actorOf('ada@example.org')
    await expect(service.delete(root, { id: userId, waiveExport: false })).rejects.toMatchObject({
      code: 'VALIDATION_FAILED',
      fields: { exportId: [expect.stringContaining('is needed') as string] },
    })
    await service.delete(root, { id: userId, waiveExport: true })
    expect(await stillIn(ada.accessToken)).toBe(false)
    expect([await prisma.user.count(), await prisma.session.count()]).toEqual([1, 0])
    expect(await events('user.deleted')).toMatchObject([{ subjectId: userId, actorId: root.id }])
    expect(await events('session.ended')).toHaveLength(1)
  })
})

describe('who manages users and may nothing else', () => {
  it('makes nobody who may more, out of new users or of others', async () => {
    await using bench = await openAccounts()
    const { service, root, addUser, prisma } = bench
    const roleId = newId('role')
    const role = { id: roleId, name: 'people', permissions: ['users.manage'], createdById: root.id }
    await prisma.customRole.create({ data: role })
    // Beneath it they are viewers.
    const [manager, other] = [await addUser('manager', 'viewer'), await addUser('other', 'viewer')]
    await prisma.user.updateMany({ where: { role: 'viewer' }, data: { customRoleId: roleId } })
    const actor: Actor = { ...manager, role: 'people', permissions: new Set(['users.manage']) }
    const before = await prisma.user.findMany({ orderBy: { id: 'asc' } })
    for (const given of ['viewer', 'operator', 'admin'] as const) {
      const asked = await Promise.allSettled([
        service.create(actor, { email: `${given}@example.org`, role: given, password: NEW_PASSWORD }),
        service.update(actor, { id: other.id, role: given }),
        service.update(actor, { id: actor.id, role: given }),
      ])
      expect(asked).toMatchObject(asked.map(() => ({ status: 'rejected', reason: { code: 'FORBIDDEN' } })))
    }
    expect(await prisma.user.findMany({ orderBy: { id: 'asc' } })).toEqual(before)
    expect(await service.update(actor, { id: other.id, displayName: 'Other' })).toMatchObject({ displayName: 'Other' })
  })

  it('looks after nobody who may more', async () => {
    await using bench = await openAccounts()
    const { service, secondFactors, root, addUser, prisma } = bench
    const actor: Actor = { ...(await addUser('manager', 'viewer')), permissions: new Set(['users.manage']) }
    const targets = [root, await addUser('viewer', 'viewer')]
    const before = await prisma.user.findMany({ orderBy: { id: 'asc' } })
    for (const { id } of targets) {
      const asked = await Promise.allSettled([
        service.sendPasswordLink(actor, id),
        service.disable(actor, id),
        service.delete(actor, { id, waiveExport: true }),
        secondFactors.reset(actor, id),
      ])
      expect(asked).toMatchObject(asked.map(() => ({ status: 'rejected', reason: { code: 'FORBIDDEN' } })))
    }
    expect(await prisma.user.findMany({ orderBy: { id: 'asc' } })).toEqual(before)
    expect(await prisma.passwordToken.count()).toBe(0)
  })
})

describe('the last admin who may log in', () => {
  const LAST = { code: 'INVALID_STATE', params: { detail: 'this is the last admin who may log in' } }

  it('is neither disabled, nor deleted, nor made something else', async () => {
    await using bench = await openAccounts()
    const { service, root, addUser } = bench
    // Neither of them may log in.
    await service.create(root, { email: 'invited@example.org', role: 'admin' })
    const disabled = await addUser('disabled', 'admin')
    await service.disable(root, disabled.id)
    await expect(service.disable(root, root.id)).rejects.toMatchObject(LAST)
    await expect(service.update(root, { id: root.id, role: 'operator' })).rejects.toMatchObject(LAST)
    await expect(service.delete(root, { id: root.id, waiveExport: true })).rejects.toMatchObject(LAST)
    await service.update(root, { id: root.id, displayName: 'Root', role: 'admin' })
    await addUser('second', 'admin')
    expect(await service.disable(root, root.id)).toMatchObject({ state: 'disabled' })
  })

  it('is one of those who take each other away at the same moment', async () => {
    await using bench = await openAccounts()
    const { service, root, addUser, prisma } = bench
    const others = await Promise.all(['b', 'c', 'd'].map((name) => addUser(name, 'admin')))
    const results = await Promise.allSettled([
      service.disable(root, root.id),
      service.update(root, { id: others[0]!.id, role: 'viewer' }),
      service.delete(root, { id: others[1]!.id, waiveExport: true }),
      service.disable(root, others[2]!.id),
    ])
    expect(results.filter(({ status }) => status === 'rejected')).toMatchObject([{ reason: LAST }])
    expect(await prisma.user.count({ where: { role: 'admin', disabledAt: null } })).toBe(1)
  })
})

describe('an invitation', () => {
  it('without a mail server is handed to the admin, works once, and only for a password that can be used', async () => {
    await using bench = await openAccounts()
    const { service, account, root, login, prisma, mails } = bench
    const input = { email: 'grace@example.org', role: 'viewer', idempotencyKey: 'grace-1234' } as const
    const { user, invitation } = await service.create(root, input)
    expect(user.state).toBe('invited')
    expect(invitation).toMatchObject({ purpose: 'invitation', isMailed: false })
    const token = invitation?.token ?? ''
    expect(invitation?.link).toBe(`https://gantry.example.org/account/password#invitation=${token}`)
    expect((await service.create(root, input)).invitation).toEqual(invitation)
    expect(await mails()).toEqual([])
    expect(
      JSON.stringify([await prisma.passwordToken.findMany(), await prisma.idempotencyKey.findMany()]),
    ).not.toContain(token)
    await expect(login('', 'grace@example.org')).rejects.toMatchObject({ code: 'INVALID_CREDENTIALS' })
    await expect(account.acceptInvitation({ token, password: 'grace1234' })).rejects.toMatchObject({
      code: 'PASSWORD_REFUSED',
    })
    await expect(account.resetPassword({ token, password: NEW_PASSWORD })).rejects.toMatchObject({
      code: 'LINK_EXPIRED',
    })
    const both = await Promise.allSettled([1, 2].map(() => account.acceptInvitation({ token, password: NEW_PASSWORD })))
    expect(both.filter(({ status }) => status === 'rejected')).toMatchObject([{ reason: { code: 'LINK_EXPIRED' } }])
    expect((await login(NEW_PASSWORD, 'grace@example.org')).user.id).toBe(user.id)
    expect(await service.get(root, user.id)).toMatchObject({ state: 'active' })
  })

  it('is mailed where there is a mail server, and shown to nobody else', async () => {
    await using bench = await openAccounts({ canMail: true })
    const { service, account, root, mails, tokenIn, prisma } = bench
    const { invitation } = await service.create(root, { email: 'grace@example.org', role: 'viewer' })
    expect(invitation).toMatchObject({ isMailed: true, token: null, link: null })
    const [mail] = await mails()
    expect(mail).toMatchObject({ to: 'grace@example.org', content: { template: 'invitation' } })
    expect(JSON.stringify(await prisma.outbox.findMany())).not.toContain(tokenIn(mail!))
    await account.acceptInvitation({ token: tokenIn(mail!), password: NEW_PASSWORD })
  })

  it('is over after a week, when another is sent, and when its user is disabled', async () => {
    await using bench = await openAccounts()
    const { service, account, root, prisma } = bench
    const { user, invitation } = await service.create(root, { email: 'grace@example.org', role: 'viewer' })
    const accepting = (token: string | null | undefined) =>
      account.acceptInvitation({ token: token ?? '', password: NEW_PASSWORD })
    const second = await service.sendPasswordLink(root, user.id)
    expect(second.expiresAt.getTime() - Date.now()).toBeGreaterThan(6.9 * 24 * 3_600_000)
    await expect(accepting(invitation?.token)).rejects.toMatchObject({ code: 'LINK_EXPIRED' })
    await prisma.passwordToken.updateMany({ data: { expiresAt: new Date() } })
    await expect(accepting(second.token)).rejects.toMatchObject({ code: 'LINK_EXPIRED' })
    const third = await service.sendPasswordLink(root, user.id)
    await service.disable(root, user.id)
    await expect(accepting(third.token)).rejects.toMatchObject({ code: 'LINK_EXPIRED' })
    await service.enable(root, user.id)
    await expect(accepting(third.token)).rejects.toMatchObject({ code: 'LINK_EXPIRED' })
    await accepting((await service.sendPasswordLink(root, user.id)).token)
  })

  it('becomes a reset for who has a password already', async () => {
    await using bench = await openAccounts()
    const { service, account, root, userId, login } = bench
    const { purpose, token, link } = await service.sendPasswordLink(root, userId)
    expect([purpose, link]).toEqual(['reset', `https://gantry.example.org/account/password#reset=${token}`])
    await login(PASSWORD)
    await account.resetPassword({ token: token ?? '', password: NEW_PASSWORD })
    await login(NEW_PASSWORD)
  })
})
