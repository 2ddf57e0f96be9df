import { describe, expect, it } from 'vitest'

import { LocalExportStorage } from '../../adapters/file-storage/local-export-storage.js'
import { GantryError, JobRefused, newId } from '../../kernel/index.js'
import { gated, openExports } from '../../testing/exports-bench.js'
import { unzipped } from '../../testing/unzipped.js'
import { dataExportJob } from './exports.jobs.js'
import type { ExportTables } from './exports.ports.js'

describe('an export', () => {
  it('holds everything about its user and nothing of anybody else, and no secret', async () => {
    await using bench = await openExports()
    const { prisma, addUser, addProjects, order, run, content } = bench
    const [ada, eve] = [await addUser(), await addUser()]
    await addProjects(ada, 3)
    await addProjects(eve, 2)
    const session = { id: newId('session'), userId: ada.id, ip: '192.0.2.1', expiresAt: new Date() }
    await prisma.session.create({ data: session })
    const token = { id: newId('refreshToken'), sessionId: session.id, tokenHash: 'secret-token', expiresAt: new Date() }
    await prisma.refreshToken.create({ data: token })
    await prisma.apiKey.create({ data: { id: newId('apiKey'), userId: ada.id, name: 'CI', secretHash: 'secret-key' } })
    await prisma.printer.create({
      data: { id: newId('printer'), name: 'P', kind: 'octoprint', url: 'http://p', apiKeyCipher: 'secret-cipher' },
    })
    const doing = { userId: ada.id, day: '2026-05-01', count: 3 }
    await prisma.userActivityDay.createMany({
      data: [
        { ...doing, event: 'file.created' },
        { ...doing, event: 'session.started' },
      ],
    })
    for (const format of ['json', 'csv'] as const) {
      const job = await order(ada, 'full', format === 'csv' ? { format } : {})
      await run(job)
      const bytes = await content(ada, job.id)
      const text = format === 'json' ? bytes.toString() : JSON.stringify(unzipped(bytes))
      expect(text).not.toContain('secret-')
      expect(text).not.toContain(eve.id)
      for (const known of [ada.id, session.id, '192.0.2.1', 'CI', 'Project 2', 'file.created', 'session.started'])
        expect(text).toContain(known)
    }
  })

  it('of the farm holds all projects, jobs, attempts and days, each as many as there are', async () => {
    await using bench = await openExports()
    const { prisma, addUser, addProjects, order, run, content } = bench
    const admin = await addUser('admin')
    await addProjects(await addUser(), 7)
    const printerId = newId('printer')
    await prisma.printer.create({ data: { id: printerId, name: 'P', kind: 'octoprint', url: 'http://p' } })
    const [fileId, fileVersionId, jobId] = [newId('file'), newId('fileVersion'), newId('printJob')]
    await prisma.printFile.create({ data: { id: fileId, name: 'a.gcode' } })
    const version = { id: fileVersionId, fileId, number: 1, sha256: 'a', sizeBytes: 1, format: 'gcode', metadata: {} }
    await prisma.fileVersion.create({ data: version })
    const counts = { copies: 3, queuedCopies: 3 }
    await prisma.printJob.create({ data: { id: jobId, name: '@job', fileVersionId, requirements: {}, ...counts } })
    const endings = ['2026-05-01T21:59:00Z', '2026-05-01T22:01:00Z', '2026-05-02T10:00:00Z']
    for (const [n, endedAt] of endings.entries()) {
      const id = newId('attempt')
      const state = n === 2 ? ('failed' as const) : ('completed' as const)
      const place = { jobId, copyNumber: n + 1, printerId, leaseEpoch: 1, bedBefore: 'clear' as const, remoteName: id }
      await prisma.attempt.create({ data: { id, state, ...place, printSeconds: 100, endedAt: new Date(endedAt) } })
    }
    const job = await order(admin, 'full', { scope: 'farm' })
    await run(job, { pageSize: 2 })
    const document = JSON.parse((await content(admin, job.id)).toString()) as Record<string, unknown[]>
    expect(document['export']).toMatchObject({ id: job.id, scope: 'farm', kind: 'full' })
    expect([document['projects'], document['jobs'], document['attempts']].map((rows) => rows?.length)).toEqual([
      7, 1, 3,
    ])
    // Days are those of the installation's time zone.
    expect(document['analytics']).toMatchObject([
      { day: '2026-05-01', completed: 1, failed: 0, printSeconds: 100 },
      { day: '2026-05-02', completed: 1, failed: 1, printSeconds: 200 },
    ])
    const csv = await order(admin, 'jobs', { scope: 'farm', format: 'csv' })
    await run(csv)
    expect((await content(admin, csv.id)).toString()).toMatch(/^id,name,.*\r\njob_[\w-]+,'@job,/)
  })

  it('is read page by page, never more at once, and tells how far it is', async () => {
    await using bench = await openExports()
    const { prisma, tables, addUser, addProjects, order, run, content } = bench
    const ada = await addUser()
    await addProjects(ada, 5_000)
    const job = await order(ada, 'projects')
    const sizes: number[] = []
    const seen: number[] = []
    const watched: ExportTables = {
      names: (...args) => tables.names(...args),
      columns: (...args) => tables.columns(...args),
      count: (...args) => tables.count(...args),
      page: async (...args) => {
        const page = await tables.page(...args)
        sizes.push(page.rows.length)
        seen.push((await bench.exports.get(ada, job.id)).progress)
        return page
      },
    }
    await run(job, { tables: watched, pageSize: 100 })
    expect(sizes).toHaveLength(51)
    expect(Math.max(...sizes)).toBe(100)
    expect(seen).toEqual(seen.toSorted((a, b) => a - b))
    expect([seen[0], seen[25], seen[50]]).toEqual([0, 0.5, 0.99])
    expect(await bench.exports.get(ada, job.id)).toMatchObject({ state: 'ready', progress: 1, rowsWritten: 5_000 })
    const { projects } = JSON.parse((await content(ada, job.id)).toString()) as { projects: { id: string }[] }
    expect(new Set(projects.map(({ id }) => id)).size).toBe(5_000)
    expect(await prisma.outbox.findFirst({ where: { id: job.jobId } })).toMatchObject({ state: 'done' })
  })

  it('ends its job, tells by an event and orders one mail in the transaction that makes it ready', async () => {
    await using bench = await openExports()
    const { prisma, addUser, order, run } = bench
    const ada = await addUser()
    const job = await order(ada, 'projects')
    await run(job)
    await run(job)
    const mails = await prisma.outbox.findMany({ where: { type: 'EMAIL_NOTIFICATION' } })
    expect(mails.map(({ payload }) => payload)).toMatchObject([
      { to: `${ada.id}@example.org`, key: `export:${job.id}`, content: { template: 'export-ready' } },
    ])
    const events = await prisma.event.findMany({ where: { subjectType: 'export' } })
    expect(events.map(({ type }) => type)).toEqual(['export.ready'])
  })
})

describe('several deliveries', () => {
  it('at once make one file, one mail and one event', async () => {
    await using bench = await openExports()
    const { prisma, addUser, addProjects, order, run, filesIn } = bench
    const ada = await addUser()
    await addProjects(ada, 200)
    const job = await order(ada, 'projects')
    await Promise.all([1, 2, 3].map(() => run(job, { pageSize: 20, reportMs: 10 })))
    expect(await filesIn()).toHaveLength(1)
    expect(await prisma.outbox.count({ where: { type: 'EMAIL_NOTIFICATION' } })).toBe(1)
    expect(await prisma.event.count({ where: { type: 'export.ready' } })).toBe(1)
  })

  it('of which one took over from one that froze keep the result of the second alone', async () => {
    await using bench = await openExports()
    const { tables, addUser, addProjects, order, run, filesIn, exports, content } = bench
    const ada = await addUser()
    await addProjects(ada, 30)
    const job = await order(ada, 'projects')
    const { held, atGate, release } = gated(tables)
    const frozen = run(job, { tables: held, pageSize: 10 })
    await atGate
    await run(job, { silentMs: 0, reportMs: 1 })
    const before = await content(ada, job.id)
    release()
    await expect(frozen).rejects.toThrow('written by another run')
    expect(await filesIn()).toHaveLength(1)
    expect(await exports.get(ada, job.id)).toMatchObject({ state: 'ready', rowsWritten: 30 })
    expect((await content(ada, job.id)).equals(before)).toBe(true)
  })

  it('of an order of an older producer make one export of their user', async () => {
    await using bench = await openExports()
    const { prisma, addUser, addProjects, runner, exports, content, filesIn } = bench
    const ada = await addUser()
    await addProjects(ada, 2)
    const sent = { userId: ada.id, exportType: 'projects', format: 'csv' }
    const payload = dataExportJob.payload.parse(dataExportJob.earlier?.[1]?.(sent))
    const delivery = { jobId: '17', payload, attempts: 3, signal: new AbortController().signal }
    await Promise.all([1, 2].map((attempt) => runner({ reportMs: 10 }).handle({ ...delivery, attempt })))
    const { items } = await exports.list(ada, { limit: 10, cursor: null })
    expect(items).toMatchObject([{ kind: 'projects', scope: 'own', format: 'csv', state: 'ready', rowsWritten: 2 }])
    expect((await content(ada, items[0]?.id ?? '')).toString().split('\r\n')).toHaveLength(4)
    expect(await filesIn()).toHaveLength(1)
    const stranger = { order: { userId: newId('user'), kind: 'full' as const, format: 'json' as const } }
    await expect(runner().handle({ ...delivery, payload: stranger, attempt: 1 })).rejects.toThrow(JobRefused)
    expect(await prisma.dataExport.count()).toBe(1)
    expect(dataExportJob.payload.safeParse(dataExportJob.earlier?.[1]?.({ userId: 1 })).success).toBe(false)
  })
})

describe('an export that cannot be finished', () => {
  it('leaves nothing when it is told to stop, and is finished by the next delivery', async () => {
    await using bench = await openExports()
    const { tables, addUser, addProjects, order, run, filesIn, exports } = bench
    const ada = await addUser()
    await addProjects(ada, 30)
    const job = await order(ada, 'projects')
    const { held, atGate, release } = gated(tables)
    const stop = new AbortController()
    const stopped = run(job, { tables: held, pageSize: 10, signal: stop.signal, attempt: 3 })
    await atGate
    stop.abort(new Error('not finished in time'))
    release()
    await expect(stopped).rejects.toThrow('not finished in time')
    expect(await filesIn()).toEqual([])
    expect(await exports.get(ada, job.id)).toMatchObject({ state: 'queued', downloadUrl: null })
    await run(job)
    expect(await exports.get(ada, job.id)).toMatchObject({ state: 'ready', rowsWritten: 30 })
  })

  it('stops when its user removes it, and the job is done', async () => {
    await using bench = await openExports()
    const { tables, addUser, addProjects, order, run, filesIn, exports } = bench
    const ada = await addUser()
    await addProjects(ada, 30)
    const job = await order(ada, 'projects')
    const { held, atGate, release } = gated(tables)
    const running = run(job, { tables: held, pageSize: 10 })
    await atGate
    await exports.remove(ada, job.id)
    release()
    await running
    expect(await filesIn()).toEqual([])
    await expect(exports.get(ada, job.id)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await run(job)
    expect(await filesIn()).toEqual([])
  })

  it('on a full disk is tried again, and has failed for that reason after the last try', async () => {
    await using bench = await openExports()
    const { dataDir, prisma, addUser, order, run, exports } = bench
    const ada = await addUser()
    const job = await order(ada, 'projects')
    const full = new LocalExportStorage({ dataDir, reserveBytes: Number.MAX_SAFE_INTEGER })
    await expect(run(job, { storage: full })).rejects.toMatchObject({ code: 'STORAGE_FULL' })
    expect(await exports.get(ada, job.id)).toMatchObject({ state: 'queued' })
    await expect(run(job, { storage: full, attempt: 3 })).rejects.toMatchObject({ code: 'STORAGE_FULL' })
    expect(await exports.get(ada, job.id)).toMatchObject({ state: 'failed', errorCode: 'STORAGE_FULL' })
    expect(await prisma.event.count({ where: { type: 'export.failed' } })).toBe(1)
    // An admin made room and had the dead job done again.
    await run(job)
    expect(await exports.get(ada, job.id)).toMatchObject({ state: 'ready', errorCode: null })
  })

  it('is refused for good when it is too large, or its user is no admin any more', async () => {
    await using bench = await openExports()
    const { prisma, addUser, order, run, filesIn, exports } = bench
    const admin = await addUser('admin')
    const large = await order(admin, 'full', { scope: 'farm' })
    await expect(run(large, { maxBytes: 50 })).rejects.toThrow(JobRefused)
    expect(await exports.get(admin, large.id)).toMatchObject({ state: 'failed', errorCode: 'FILE_TOO_LARGE' })
    const late = await order(admin, 'full', { scope: 'farm' })
    await prisma.user.update({ where: { id: admin.id }, data: { role: 'viewer' } })
    await expect(run(late)).rejects.toThrow(JobRefused)
    expect(await exports.get(admin, late.id)).toMatchObject({ state: 'failed', errorCode: 'FORBIDDEN' })
    expect(await filesIn()).toEqual([])
  })

  it('shows the error of the database and is tried again', async () => {
    await using bench = await openExports()
    const { tables, addUser, order, run, exports } = bench
    const ada = await addUser()
    const job = await order(ada, 'projects')
    const gone = new GantryError('UNAVAILABLE')
    const { held } = gated(tables)
    const broken = { ...held, page: () => Promise.reject(gone) }
    await expect(run(job, { tables: broken })).rejects.toBe(gone)
    expect(await exports.get(ada, job.id)).toMatchObject({ state: 'queued' })
  })
})
