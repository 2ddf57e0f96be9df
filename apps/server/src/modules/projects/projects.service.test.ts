import { describe, expect, it } from 'vitest'

import { PrismaFileRepository } from '../../db/files.repository.js'
import { PrismaPrintJobRepository } from '../../db/print-jobs.repository.js'
import { PrismaPrintableFileRepository } from '../../db/printable-files.repository.js'
import { PrismaProjectRepository } from '../../db/projects.repository.js'
import type { Prisma } from '../../db/generated/client.js'
import { createUnitOfWork } from '../../db/unit-of-work.js'
import { PrismaUserRepository } from '../../db/users.repository.js'
import { inRole, listsOfPrimary, newId, onPrimary, type Actor } from '../../kernel/index.js'
import { openTestDatabase, silentHook } from '../../testing/open-database.js'
import { ProjectsService } from './projects.service.js'

const repositoriesFor = (tx: Prisma.TransactionClient) => ({
  projects: new PrismaProjectRepository(tx),
  printableFiles: new PrismaPrintableFileRepository(tx),
  printJobs: new PrismaPrintJobRepository(tx),
})

const followedByNobody = () => {
  throw new Error('nobody follows here')
}

const open = async () => {
  const database = await openTestDatabase({ poolSize: 8 })
  const { prisma } = database
  const ada: Actor = {
    kind: 'user',
    id: newId('user'),
    ...inRole('operator'),
    sessionId: null,
    apiKeyId: null,
    scope: { printerGroups: 'all', projects: 'all' },
  }
  const user = { id: ada.id, email: 'ada@example.org', displayName: 'Ada', passwordHash: '', role: 'operator' as const }
  await new PrismaUserRepository(prisma).create(user)
  const unitOfWork = createUnitOfWork({ prisma, repositoriesFor, hook: silentHook })
  const files = new PrismaFileRepository(prisma)
  const reads = onPrimary(repositoriesFor(prisma))
  return {
    prisma,
    ada,
    projects: new ProjectsService({ unitOfWork, reads, lists: listsOfPrimary(reads), follow: followedByNobody }),
    addFile: async (name: string) => {
      const { fileId } = await files.lockNamed(name, newId('file'), ada.id)
      const id = newId('fileVersion')
      const content = { sha256: id, sizeBytes: 1, format: 'gcode' as const, metadata: {} as never, thumbnail: null }
      await files.addVersion({ id, fileId, ...content, createdById: ada.id }, new Date())
      return { fileId, fileVersionId: id }
    },
    eventTypes: async () => {
      const events = await prisma.event.findMany({ orderBy: { seq: 'asc' } })
      return events.map(({ type }) => type)
    },
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  }
}

const orderPart = (prisma: Awaited<ReturnType<typeof open>>['prisma'], projectId: string, fileVersionId: string) =>
  prisma.printJob.create({
    data: {
      id: newId('printJob'),
      name: 'job',
      fileVersionId,
      projectId,
      copies: 1,
      queuedCopies: 1,
      requirements: {},
    },
  })

describe('a project', () => {
  it('is created with the newest version of its files, once per key however often it is sent', async () => {
    await using bench = await open()
    const { ada, projects, addFile, eventTypes } = bench
    const { fileId } = await addFile('a.gcode')
    const { fileVersionId } = await addFile('A.gcode')
    const part = { name: 'Bracket', fileId, targetQuantity: 12 }
    const input = { name: 'Order 7', parts: [part], idempotencyKey: 'project-key-1' }
    const [first, ...others] = await Promise.all([1, 2, 3].map(() => projects.create(ada, input)))
    for (const other of others) expect(other).toEqual(first)
    expect(first).toMatchObject({
      name: 'Order 7',
      status: 'todo',
      dueAt: null,
      version: 1,
      parts: [{ name: 'Bracket', fileVersionId, targetQuantity: 12, completedQuantity: 0, status: 'todo' }],
    })
    expect((await projects.list(ada, { limit: 10, cursor: null, status: null })).items).toEqual([first])
    await expect(projects.create(ada, { ...input, name: 'Order 8' })).rejects.toMatchObject({
      code: 'IDEMPOTENCY_KEY_REUSED',
    })
    expect(await eventTypes()).toEqual(['project.created'])
  })

  it('with an unknown file is not created, and the answer names the part', async () => {
    await using bench = await open()
    const { ada, projects, addFile } = bench
    const { fileId } = await addFile('a.gcode')
    const parts = [fileId, newId('file')].map((id, n) => ({ name: `${n}`, fileId: id, targetQuantity: 1 }))
    await expect(projects.create(ada, { name: 'x', parts })).rejects.toMatchObject({
      code: 'NOT_FOUND',
      fields: { 'parts.1.fileId': ['is no file of the library'] },
    })
    expect((await projects.list(ada, { limit: 10, cursor: null, status: null })).items).toEqual([])
  })

  it('changes for who saw its present version, and for nobody else', async () => {
    await using bench = await open()
    const { ada, projects, eventTypes } = bench
    const { id } = await projects.create(ada, { name: 'x', parts: [] })
    const dueAt = new Date('2027-01-01T00:00:00Z')
    const changed = await projects.update(ada, { id, ifVersion: 1, name: 'y', dueAt })
    expect(changed).toMatchObject({ name: 'y', dueAt, version: 2 })
    await expect(projects.update(ada, { id, ifVersion: 1, name: 'z' })).rejects.toMatchObject({
      code: 'VERSION_CONFLICT',
    })
    const results = await Promise.allSettled(
      ['p', 'q', 'r'].map((name) => projects.update(ada, { id, ifVersion: 2, name })),
    )
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect((await projects.update(ada, { id, status: 'done' })).version).toBe(4)
    expect(await eventTypes()).toEqual(['project.created', ...Array<string>(3).fill('project.updated')])
  })

  it('takes another part, and is then no longer done', async () => {
    await using bench = await open()
    const { ada, projects, addFile } = bench
    const { fileId, fileVersionId } = await addFile('a.gcode')
    const { id } = await projects.create(ada, { name: 'x', parts: [] })
    await projects.update(ada, { id, status: 'done' })
    const part = { id, name: 'Lid', fileId, targetQuantity: 2, idempotencyKey: 'part-key-1' }
    const withPart = await projects.addPart(ada, part)
    expect(withPart).toMatchObject({ status: 'in_progress', version: 3, parts: [{ name: 'Lid', fileVersionId }] })
    expect(await projects.addPart(ada, part)).toEqual(withPart)
    await expect(projects.addPart(ada, { ...part, id: newId('project') })).rejects.toMatchObject({
      code: 'IDEMPOTENCY_KEY_REUSED',
    })
  })

  it('is removed only when its jobs are over, and is unknown from then on', async () => {
    await using bench = await open()
    const { ada, prisma, projects, addFile, eventTypes } = bench
    const { fileId, fileVersionId } = await addFile('a.gcode')
    const { id } = await projects.create(ada, { name: 'x', parts: [{ name: 'a', fileId, targetQuantity: 1 }] })
    const job = await orderPart(prisma, id, fileVersionId)
    await expect(projects.remove(ada, id)).rejects.toMatchObject({ code: 'INVALID_STATE' })
    await prisma.printJob.update({ where: { id: job.id }, data: { state: 'done', queuedCopies: 0, doneCopies: 1 } })
    await projects.remove(ada, id)
    const gone = { code: 'NOT_FOUND', params: { resource: 'project', id } }
    await expect(projects.get(ada, id)).rejects.toMatchObject(gone)
    await expect(projects.update(ada, { id, name: 'y' })).rejects.toMatchObject(gone)
    await expect(projects.remove(ada, id)).rejects.toMatchObject(gone)
    expect(await eventTypes()).toEqual(['project.created', 'project.deleted'])
  })

  it('outside the scope of who asks is as unknown as one that never was', async () => {
    await using bench = await open()
    const { ada, projects } = bench
    const { id } = await projects.create(ada, { name: 'x', parts: [] })
    const stranger: Actor = { ...ada, scope: { printerGroups: 'all', projects: [] } }
    await expect(projects.get(stranger, id)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(projects.update(stranger, { id, name: 'y' })).rejects.toMatchObject({ code: 'NOT_FOUND' })
    expect((await projects.list(stranger, { limit: 10, cursor: null, status: null })).items).toEqual([])
  })
})
