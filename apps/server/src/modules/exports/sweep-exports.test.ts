import { utimes } from 'node:fs/promises'
import { join } from 'node:path'

import { describe, expect, it } from 'vitest'

import { newId } from '../../kernel/index.js'
import { openExports } from '../../testing/exports-bench.js'

describe('the clean-up', () => {
  it('takes the file after seven days, and forgets the export a month later', async () => {
    await using bench = await openExports()
    const { prisma, addUser, order, run, filesIn, exports, sweep } = bench
    const ada = await addUser()
    const job = await order(ada, 'projects')
    await run(job)
    expect(await sweep()).toBe(0)
    const { expiresAt, downloadUrl } = await exports.get(ada, job.id)
    expect((expiresAt?.getTime() ?? 0) - Date.now()).toBeGreaterThan(6.9 * 24 * 3_600_000)
    expect(downloadUrl).toMatch(/^\/api\/exports\/exp_/)
    await prisma.dataExport.update({ where: { id: job.id }, data: { expiresAt: new Date() } })
    await expect(bench.content(ada, job.id)).rejects.toMatchObject({ code: 'LINK_EXPIRED' })
    expect(await sweep()).toBe(1)
    expect(await filesIn()).toEqual([])
    expect(await exports.get(ada, job.id)).toMatchObject({ state: 'expired', downloadUrl: null })
    const longAgo = new Date(Date.now() - 31 * 24 * 3_600_000)
    await prisma.dataExport.update({ where: { id: job.id }, data: { expiresAt: longAgo, finishedAt: longAgo } })
    expect(await sweep()).toBe(1)
    expect(await prisma.dataExport.count()).toBe(0)
  })

  it('takes half written files, and whole ones that no export has, once nobody can be at them', async () => {
    await using bench = await openExports()
    const { storage, addUser, order, run, filesIn, sweep, dataDir } = bench
    const ada = await addUser()
    const kept = await order(ada, 'projects')
    await run(kept)
    const half = await storage.begin()
    await half.write(Buffer.from('half'))
    const orphan = await storage.begin()
    const orphanName = `${newId('export')}.${'0'.repeat(32)}`
    await orphan.commit(orphanName)
    expect(await sweep()).toBe(0)
    expect(await filesIn()).toHaveLength(3)
    expect(await sweep(Date.now() + 3 * 3_600_000)).toBe(2)
    await half.abort()
    const [name = ''] = await filesIn()
    expect(name).toContain(kept.id)
    await utimes(join(dataDir, 'exports', 'ready', name), new Date(0), new Date(0))
    expect(await sweep()).toBe(0)
  })

  it('ends exports whose job is dead, once', async () => {
    await using bench = await openExports()
    const { prisma, addUser, order, exports, sweep } = bench
    const ada = await addUser()
    const [dead, waiting] = [await order(ada, 'projects'), await order(ada, 'jobs')]
    await prisma.outbox.update({ where: { id: dead.jobId }, data: { state: 'dead', finishedAt: new Date() } })
    expect(await sweep()).toBe(1)
    expect(await sweep()).toBe(0)
    expect(await exports.get(ada, dead.id)).toMatchObject({ state: 'failed', errorCode: 'INTERNAL' })
    expect(await exports.get(ada, waiting.id)).toMatchObject({ state: 'queued' })
    expect(await prisma.event.count({ where: { type: 'export.failed' } })).toBe(1)
  })
})
