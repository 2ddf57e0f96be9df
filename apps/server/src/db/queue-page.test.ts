import { describe, expect, it } from 'vitest'

import { SYSTEM_ACTOR, type Actor } from '../kernel/index.js'
import type { PrintJobQuery } from '../modules/print-jobs/print-jobs.ports.js'
import { openPrintingDatabase } from '../testing/printing-database.js'

const QUEUE: PrintJobQuery = { order: 'queue', states: [], projectId: null, limit: 2, cursor: null }

describe('the queue, page by page', () => {
  it('is the order in which jobs are given to printers, without those that have no waiting copy', async () => {
    const { database, prisma, reads, printer, job, claim, part } = await openPrintingDatabase()
    await using _ = database
    const jobIds: string[] = []
    for (const priority of [0, 7, 0, -3, 7, 0, 0]) jobIds.push(await job({ priority }))
    const [first, urgent, second, last, urgentToo, third, gone] = jobIds
    // Three of them in one and the same moment: then the id decides, as in a claim.
    const at = new Date('2026-01-01T00:00:00.000Z')
    await prisma.printJob.updateMany({
      where: { id: { in: [first, second, third] as string[] } },
      data: { createdAt: at },
    })
    await prisma.printJob.update({ where: { id: gone ?? '' }, data: { priority: 9 } })
    expect(await claim(await printer())).toMatchObject({ jobId: gone })

    const pages = async (actor: Actor) => {
      const seen: string[] = []
      for (let cursor: string | null = null, isFirst = true; isFirst || cursor !== null; isFirst = false) {
        const page: Awaited<ReturnType<typeof reads.printJobs.list>> = await reads.printJobs.list(actor, {
          ...QUEUE,
          cursor,
        })
        expect(page.items.length).toBeLessThanOrEqual(2)
        seen.push(...page.items.map(({ id }) => id))
        cursor = page.nextCursor
      }
      return seen
    }
    const expected = [urgent, urgentToo, ...[first, second, third].toSorted(), last]
    expect(await pages(SYSTEM_ACTOR)).toEqual(expected)
    const claimable = await reads.printJobs.waiting({ kinds: null, after: null, limit: 99 })
    expect(claimable.map(({ id }) => id)).toEqual(expected)

    const mine = await part(1)
    const own = await job(mine)
    const scope = { ...SYSTEM_ACTOR.scope, projects: [mine.projectId] }
    expect(await pages({ ...SYSTEM_ACTOR, id: 'usr_a', scope })).toEqual([own])
  })

  it('refuses a cursor that it never gave', async () => {
    const { database, reads } = await openPrintingDatabase()
    await using _ = database
    for (const cursor of ['', 'x', Buffer.from('1 2026-01-01T00:00:00.000Z a b').toString('base64url')])
      await expect(reads.printJobs.list(SYSTEM_ACTOR, { ...QUEUE, cursor })).rejects.toMatchObject({
        code: 'VALIDATION_FAILED',
      })
  })
})
