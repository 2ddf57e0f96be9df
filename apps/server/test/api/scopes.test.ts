import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { callerOf, PASSWORD, uploaded, type Caller } from '../../src/testing/app-under-test.js'
import { TINY_GCODE, zigzagGcode } from '../../src/testing/tiny-gcode.js'
import { newId } from '../../src/kernel/index.js'
import { TwoShops } from './two-shops.js'

let shops: TwoShops
let otto: Caller & { userId: string }

beforeAll(async () => {
  shops = await TwoShops.open()
  otto = await shops.scoped('operator')
})
afterAll(() => shops[Symbol.asyncDispose]())

const idsOf = ({ items }: { items: { id: string }[] }) => items.map(({ id }) => id)
const today = () => ({ from: new Date(Date.now() - 86_400_000), to: new Date(Date.now() + 86_400_000) })
const codeOf = (call: Promise<unknown>) =>
  call.then(
    () => 'OK',
    (error: unknown) => (error as { data?: { code?: string } }).data?.code,
  )

/** The projects that somebody takes out with their own data. */
const exported = async (caller: Caller): Promise<unknown[]> => {
  const { id } = await caller.trpc.exports.create.mutate({ kind: 'projects' })
  const look = () => caller.trpc.exports.get.query({ id })
  await expect.poll(async () => (await look()).state, { timeout: 30_000, interval: 100 }).toBe('ready')
  const { downloadUrl } = await look()
  const document = (await (await fetch(shops.app.url + (downloadUrl ?? ''))).json()) as { projects: unknown[] }
  return document.projects
}

describe('an operator who sees one shop', () => {
  it('has it alone in every list, also when the lists of others are kept', async () => {
    const { mine, app } = shops
    for (const caller of [app.admin, otto, app.admin, otto]) {
      const { trpc } = caller
      const count = caller === otto ? 1 : 2
      expect(idsOf(await trpc.printers.list.query({}))).toHaveLength(count)
      expect(idsOf(await trpc.projects.list.query({}))).toHaveLength(count)
      expect(idsOf(await trpc.printJobs.list.query({}))).toHaveLength(count)
      expect(idsOf(await trpc.printJobs.list.query({ order: 'queue' }))).toHaveLength(count)
      expect(idsOf(await trpc.files.list.query({}))).toHaveLength(count)
      expect(idsOf(await trpc.alarms.list.query({}))).toHaveLength(count)
    }
    const { trpc } = otto
    expect(idsOf(await trpc.printers.list.query({}))).toEqual([mine.printerId])
    expect(idsOf(await trpc.projects.list.query({}))).toEqual([mine.projectId])
    expect(idsOf(await trpc.printJobs.list.query({}))).toEqual([mine.jobId])
    expect(idsOf(await trpc.files.list.query({}))).toEqual([mine.fileId])
    expect(idsOf(await trpc.alarms.list.query({}))).toEqual([mine.alarmId])
    expect(await trpc.printers.list.query({ groupId: shops.theirs.groupId })).toMatchObject({ items: [] })
    expect(await trpc.printJobs.list.query({ projectId: shops.theirs.projectId })).toMatchObject({ items: [] })
  })

  it('gets what is in it, and its bytes', async () => {
    const { mine } = shops
    const { trpc } = otto
    expect(await trpc.printers.get.query({ id: mine.printerId })).toMatchObject({ id: mine.printerId })
    expect(await trpc.printJobs.get.query({ id: mine.jobId })).toMatchObject({ id: mine.jobId })
    expect(await trpc.attempts.get.query({ id: mine.attemptId })).toMatchObject({ id: mine.attemptId })
    for (const id of [mine.fileId, mine.fileVersionId]) {
      expect((await otto.rest('GET', `/api/files/${id}/content`)).status).toBe(200)
    }
    const explained = await trpc.printJobs.explain.query({ id: mine.jobId })
    expect(explained.printers.map(({ printerId }) => printerId)).toEqual([mine.printerId])
    const next = await trpc.dispatch.preview.query({})
    expect(next.waiting.map(({ jobId }) => jobId)).toEqual([mine.jobId])
  })

  it('hears of it alone on every stream', async () => {
    const { mine, theirs, app } = shops
    await using printers = await otto.stream('printers.onStatus')
    await using jobs = await otto.stream('printJobs.onChange')
    await using alarms = await otto.stream('alarms.onChange')
    for (const stream of [printers, jobs, alarms]) await stream.until((seen) => seen.length > 0)
    for (const shop of [theirs, mine]) {
      await app.admin.trpc.printers.hold.mutate({ id: shop.printerId })
      await app.admin.trpc.printJobs.update.mutate({ id: shop.jobId, priority: 7 })
      await app.admin.trpc.alarms.acknowledge.mutate({ id: shop.alarmId })
      await app.admin.trpc.printers.release.mutate({ id: shop.printerId }).catch(() => undefined)
    }
    for (const stream of [printers, jobs, alarms]) {
      await stream.until((seen) => seen.length > 1)
      const heard = JSON.stringify(stream.seen)
      for (const id of [theirs.printerId, theirs.jobId, theirs.alarmId, theirs.projectId])
        expect(heard).not.toContain(id)
    }
  })

  it('orders copies for its printers alone, however it asks', async () => {
    const { mine, theirs } = shops
    const { trpc } = otto
    const job = await trpc.printJobs.submit.mutate({ source: { partId: mine.partId, copies: 1 } })
    expect(job.requirements.printerGroupIds).toEqual([mine.groupId])
    const source = { fileId: mine.fileId, copies: 1 }
    const elsewhere = { source, printerGroupIds: [theirs.groupId] }
    expect(await codeOf(trpc.printJobs.submit.mutate(elsewhere))).toBe('NOT_FOUND')
    const requirements = { printerGroupIds: [theirs.groupId] }
    expect(await codeOf(trpc.printJobs.update.mutate({ id: job.id, requirements }))).toBe('NOT_FOUND')
    const anywhere = { printerGroupIds: [] }
    const updated = await trpc.printJobs.update.mutate({ id: job.id, requirements: anywhere })
    expect(updated.requirements.printerGroupIds).toEqual([mine.groupId])
    // A job of no project is seen by who ordered it.
    const own = await trpc.printJobs.submit.mutate({ source })
    expect(idsOf(await trpc.printJobs.list.query({}))).toContain(own.id)
    const paul = await shops.scoped('operator')
    expect(idsOf(await paul.trpc.printJobs.list.query({}))).not.toContain(own.id)
    for (const id of [job.id, own.id]) await trpc.printJobs.cancel.mutate({ id })
  })

  it('says nothing of a copy that is at a printer of others', async () => {
    const { mine, theirs, app } = shops
    const away = newId('attempt')
    const at = { jobId: mine.jobId, copyNumber: 2, printerId: theirs.printerId }
    await app.prisma.attempt.update({ where: { id: theirs.attemptId }, data: { state: 'failed' } })
    await app.prisma.attempt.create({
      data: { ...at, id: away, leaseEpoch: 1, bedBefore: 'clear', remoteName: away, state: 'unknown' },
    })
    expect(await codeOf(otto.trpc.attempts.resolve.mutate({ id: away, printed: true }))).toBe('NOT_FOUND')
    expect(await codeOf(otto.trpc.attempts.reassign.mutate({ id: away }))).toBe('NOT_FOUND')
    await app.prisma.attempt.delete({ where: { id: away } })
    await app.prisma.attempt.update({ where: { id: theirs.attemptId }, data: { state: 'unknown' } })
  })

  it('uploads files of its own, and adds no version to those of others', async () => {
    const { theirs } = shops
    const file = await uploaded(otto, 'own.gcode', TINY_GCODE)
    expect(idsOf(await otto.trpc.files.list.query({}))).toContain(file.id)
    const refused = await otto.upload(theirs.fileName, zigzagGcode(9))
    expect([refused.status, refused.error?.code]).toEqual([409, 'NAME_TAKEN'])
    const paul = await shops.scoped('operator')
    expect(idsOf(await paul.trpc.files.list.query({}))).not.toContain(file.id)
    await otto.trpc.files.remove.mutate({ id: file.id })
  })

  it('changes no file that others print, too', async () => {
    const { mine, theirs, app } = shops
    const { trpc } = app.admin
    const shared = await uploaded(app.admin, 'shared.gcode', zigzagGcode(11))
    for (const { projectId } of [mine, theirs])
      await trpc.projects.addPart.mutate({ id: projectId, name: 'shared', fileId: shared.id, targetQuantity: 1 })
    expect(idsOf(await otto.trpc.files.list.query({}))).toContain(shared.id)
    const version = await otto.upload('shared.gcode', zigzagGcode(12))
    expect([version.status, version.error?.code]).toEqual([409, 'NAME_TAKEN'])
    // The same content is no new version.
    expect((await otto.upload('shared.gcode', zigzagGcode(11))).status).toBeLessThan(300)
    const removed = await otto.rest('DELETE', `/api/files/${shared.id}`)
    expect(removed.error?.code).toBe('INVALID_STATE')
    expect((await trpc.files.get.query({ id: shared.id })).latest.id).toBe(shared.latest.id)
    // One that nobody else prints is for the shop to change.
    const alone = await uploaded(app.admin, 'alone.gcode', zigzagGcode(13))
    await trpc.projects.addPart.mutate({ id: mine.projectId, name: 'alone', fileId: alone.id, targetQuantity: 1 })
    expect((await uploaded(otto, 'alone.gcode', zigzagGcode(14))).latest.number).toBe(2)
    await otto.trpc.files.remove.mutate({ id: alone.id })
  })

  it('has figures of it alone', async () => {
    const { mine, theirs, app } = shops
    const begins = new Date(Math.floor(Date.now() / 86_400_000) * 86_400_000)
    const when = { unit: 'day' as const, period: begins.toISOString().slice(0, 10), begins }
    for (const { printerId, projectId } of [mine, theirs]) {
      const none = { failed: 0, cancelled: 0, revoked: 0, printSeconds: 1 }
      await app.prisma.statisticsPrint.create({
        data: { ...when, printerId, projectId, started: 1, completed: 1, ...none },
      })
      await app.prisma.statisticsPrinterState.create({ data: { ...when, printerId, state: 'idle', seconds: 10 } })
      const used = { material: 'PLA', usedMm: 1, usedGrams: 1 }
      await app.prisma.statisticsFilament.create({ data: { ...when, printerId, projectId, ...used } })
    }
    const figures = async ({ trpc }: Caller) => [
      (await trpc.statistics.prints.query(today())).items.map(({ started }) => started),
      (await trpc.statistics.printers.query(today())).items.map(({ seconds }) => seconds),
      (await trpc.statistics.filament.query(today())).items.map(({ usedMm }) => usedMm),
    ]
    expect(await figures(app.admin)).toEqual([[2], [20], [2]])
    expect(await figures(otto)).toEqual([[1], [10], [1]])
    const foreign = { ...today(), printerId: theirs.printerId }
    expect((await otto.trpc.statistics.prints.query(foreign)).items).toEqual([])
  })

  it('creates no project, since nobody would see it', async () => {
    const refused = await otto.rest('POST', '/api/projects', { name: 'new' })
    expect(refused.error).toMatchObject({ code: 'FORBIDDEN', params: { needs: 'projects.create', has: 'operator' } })
  })
})

describe('an admin who sees one shop', () => {
  it('looks after its printers, and after nothing that concerns the whole farm', async () => {
    const { mine, theirs } = shops
    const { trpc } = await shops.scoped('admin')
    const printer = { kind: 'octoprint', url: 'http://127.0.0.1:9', checkConnection: false, name: 'third' } as const
    expect(await codeOf(trpc.printers.create.mutate({ ...printer, groupId: theirs.groupId }))).toBe('NOT_FOUND')
    expect(await codeOf(trpc.printers.create.mutate(printer))).toBe('VALIDATION_FAILED')
    const made = await trpc.printers.create.mutate({ ...printer, groupId: mine.groupId })
    expect(await codeOf(trpc.printers.update.mutate({ id: made.id, groupId: theirs.groupId }))).toBe('NOT_FOUND')
    await trpc.printers.remove.mutate({ id: made.id })
    expect(await codeOf(trpc.webhooks.list.query({}))).toBe('FORBIDDEN')
    expect(await codeOf(trpc.exports.create.mutate({ kind: 'full', scope: 'farm' }))).toBe('FORBIDDEN')
  })
})

describe('the scope of a user', () => {
  it('is set by whoever manages users, who has read what it is now, and not by the user', async () => {
    const { app, mine } = shops
    const { trpc } = app.admin
    const caller = await app.logInAs('viewer')
    const { id: userId } = await caller.trpc.auth.me.query()
    expect(await trpc.userScopes.get.query({ userId })).toEqual({
      userId,
      printers: null,
      projectIds: null,
      version: 0,
    })
    const wish = { userId, printers: { groupIds: [mine.groupId], locationIds: [] }, projectIds: null }
    expect(await trpc.userScopes.set.mutate({ ...wish, ifVersion: 0 })).toEqual({ ...wish, version: 1 })
    expect(await codeOf(trpc.userScopes.set.mutate({ ...wish, ifVersion: 0 }))).toBe('VERSION_CONFLICT')
    expect(await codeOf(caller.trpc.userScopes.set.mutate(wish))).toBe('FORBIDDEN')
    const { id: admin } = await trpc.auth.me.query()
    expect(await codeOf(trpc.userScopes.set.mutate({ ...wish, userId: admin }))).toBe('INVALID_STATE')
    const nowhere = { ...wish, printers: { groupIds: [newId('printerGroup')] } }
    expect(await codeOf(trpc.userScopes.set.mutate(nowhere))).toBe('NOT_FOUND')
    expect(await codeOf(trpc.userScopes.get.query({ userId: newId('user') }))).toBe('NOT_FOUND')
  })

  it('holds from the next call on, and reaches by a location as far as its groups do', async () => {
    const { app, mine, theirs } = shops
    const caller = await app.logInAs('viewer')
    const { id: userId } = await caller.trpc.auth.me.query()
    const printers = async () => idsOf(await caller.trpc.printers.list.query({}))
    expect(await printers()).toHaveLength(2)
    await shops.narrow(userId, { printers: { locationIds: [theirs.locationId] }, projectIds: null })
    expect(await printers()).toEqual([theirs.printerId])
    await shops.narrow(userId, { printers: { groupIds: [mine.groupId], locationIds: [] }, projectIds: null })
    expect(await printers()).toEqual([mine.printerId])
    await shops.narrow(userId, { printers: null, projectIds: null })
    expect(await printers()).toHaveLength(2)
  })

  it('bounds what the user takes out', async () => {
    const { app, mine } = shops
    const wide = await app.logInAs('operator')
    const { id: userId } = await wide.trpc.auth.me.query()
    const projects = [mine.projectId, shops.theirs.projectId].map((projectId) => ({ projectId, userId }))
    await app.prisma.projectMember.createMany({ data: projects.map((each) => ({ ...each, role: 'viewer' as const })) })
    const rows = await exported(wide)
    expect(rows).toHaveLength(2)
    await shops.narrow(userId, { printers: null, projectIds: [mine.projectId] })
    expect(await exported(wide)).toEqual([expect.objectContaining({ id: mine.projectId })])
  })

  it('bounds API keys, which may be narrower still', async () => {
    const { app, mine, theirs } = shops
    const wide = await app.logInAs('operator')
    const { id: userId } = await wide.trpc.auth.me.query()
    const scopes = ['printers.read', 'projects.read'] as const
    const key = await wide.trpc.apiKeys.create.mutate({
      ...{ password: PASSWORD, name: 'both', scopes: [...scopes] },
      printerGroupIds: [mine.groupId, theirs.groupId],
    })
    const by = callerOf(app.url, { Authorization: `Bearer ${key.key}` })
    expect(idsOf(await by.trpc.printers.list.query({}))).toHaveLength(2)
    await shops.narrow(userId, { printers: { groupIds: [mine.groupId] }, projectIds: null })
    expect(idsOf(await by.trpc.printers.list.query({}))).toEqual([mine.printerId])
    await wide.trpc.apiKeys.revoke.mutate({ id: key.id })
    expect((await by.rest('GET', '/api/printers')).error?.code).toBe('UNAUTHENTICATED')
  })
})
