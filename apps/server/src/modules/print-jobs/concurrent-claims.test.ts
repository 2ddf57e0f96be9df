import { describe, expect, it } from 'vitest'

import { SYSTEM_ACTOR } from '../../kernel/index.js'
import { openPrintingDatabase } from '../../testing/printing-database.js'
import type { Lease } from '../printers/printer-session.js'
import { claimMany, type ClaimResults } from './claims.js'

type Opened = Awaited<ReturnType<typeof openPrintingDatabase>>

/** What one instance does: batch by batch, again for those that were in other hands. */
const claimAll = async ({ unitOfWork }: Opened, leases: Lease[], size: number): Promise<ClaimResults> => {
  const results: ClaimResults = new Map()
  for (let left = leases; left.length > 0;) {
    const found = await claimMany(unitOfWork, left.slice(0, size))
    for (const [printerId, result] of found) results.set(printerId, result)
    left = [...left.slice(size), ...left.filter(({ printerId }) => found.get(printerId)?.kind === 'contended')]
  }
  return results
}

const kindsOf = (results: ClaimResults[]): Record<string, number> => {
  const counts: Record<string, number> = {}
  for (const result of results) for (const { kind } of result.values()) counts[kind] = (counts[kind] ?? 0) + 1
  return counts
}

const shuffled = <T>(items: T[], seed: number): T[] =>
  items
    .map((item, n) => ({ item, key: ((n + 1) * 7_919 * (seed + 3)) % 104_729 }))
    .toSorted((a, b) => a.key - b.key)
    .map(({ item }) => item)

/** Every copy is with one printer, every printer has one copy, and the counts of each job say so. */
const checkAll = async ({ prisma, reads }: Opened, jobIds: string[]): Promise<number> => {
  const attempts = await prisma.attempt.findMany()
  expect(new Set(attempts.map(({ printerId }) => printerId)).size).toBe(attempts.length)
  expect(new Set(attempts.map(({ jobId, copyNumber }) => `${jobId} ${copyNumber}`)).size).toBe(attempts.length)
  for (const jobId of jobIds) {
    const job = await reads.printJobs.get(SYSTEM_ACTOR, jobId)
    const active = attempts.filter((attempt) => attempt.jobId === jobId).length
    expect(job?.counts).toMatchObject({ active, queued: (job?.copies ?? 0) - active })
    expect(await prisma.printCopy.count({ where: { jobId, state: 'active' } })).toBe(active)
  }
  const printerIds = attempts.map(({ printerId }) => printerId)
  expect(await prisma.printerRuntime.count({ where: { printerId: { in: printerIds }, bed: 'clear' } })).toBe(0)
  return attempts.length
}

const deadlocks = async ({ prisma }: Opened): Promise<number> => {
  const [row] = await prisma.$queryRaw<{ n: number }[]>`
    SELECT deadlocks::int AS n FROM pg_stat_database WHERE datname = current_database()`
  return row?.n ?? 0
}

describe('claims for many printers at once', () => {
  it('give the queue in its order, each job to printers that satisfy it, in one transaction', async () => {
    const opened = await openPrintingDatabase()
    await using _ = opened.database
    const { printer, job, unitOfWork, prisma } = opened
    const leases: Lease[] = []
    for (let n = 0; n < 4; n += 1) leases.push(await printer({ materials: ['PLA'] }))
    const petg = await printer({ materials: ['PETG'] })
    const occupied = await printer({ bed: 'occupied' })
    const old = await job({ copies: 2, requirements: { materials: ['PLA'] } })
    const strange = await job({ copies: 5, requirements: { materials: ['ABS'] } })
    const any = await job()
    const urgent = await job({ priority: 9, requirements: { materials: ['PLA'] } })

    const results = await claimMany(unitOfWork, [...leases, petg, occupied])
    const given = (lease: Lease) => results.get(lease.printerId)
    expect(leases.map(given)).toMatchObject([{ jobId: urgent }, { jobId: old }, { jobId: old }, { jobId: any }])
    expect([given(petg), given(occupied)]).toEqual([{ kind: 'nothing_fits' }, { kind: 'not_free' }])
    expect(await checkAll(opened, [old, strange, any, urgent])).toBe(4)
    const writers = await prisma.$queryRaw<unknown[]>`SELECT DISTINCT txid::text FROM event`
    expect(writers).toHaveLength(1)
  })

  it('find what fits behind thousands of jobs that fit nobody', async () => {
    const opened = await openPrintingDatabase()
    await using _ = opened.database
    const { printer, job, claim, prisma } = opened
    const first = await job({ requirements: { materials: ['ABS'] } })
    await prisma.$executeRaw`
      INSERT INTO print_job (id, name, file_version_id, copies, queued_copies, requirements, created_at)
      SELECT first.id || n, 'more', first.file_version_id, 1, 1,
        jsonb_set(first.requirements, '{nozzleDiameterMm}', to_jsonb(n % 40)), first.created_at
      FROM print_job first, generate_series(1, 8000) n WHERE first.id = ${first}`
    const wanted = await job({ requirements: { materials: ['PLA'] } })
    expect(await claim(await printer({ materials: ['PLA'] }))).toMatchObject({ jobId: wanted })
  })

  it('of several instances on one job end without deadlock, one copy for each printer', async () => {
    const opened = await openPrintingDatabase()
    await using _ = opened.database
    const { printer, job } = opened
    const instances: Lease[][] = []
    for (const owner of ['ins_a', 'ins_b', 'ins_c', 'ins_d']) {
      const leases: Lease[] = []
      for (let n = 0; n < 12; n += 1) leases.push(await printer({}, owner))
      instances.push(leases)
    }
    const jobId = await job({ copies: 45 })
    const results = await Promise.all(instances.map((leases) => claimAll(opened, leases, 5)))
    expect(kindsOf(results)).toEqual({ claimed: 45, nothing_fits: 3 })
    expect(await checkAll(opened, [jobId])).toBe(45)
    expect(await deadlocks(opened)).toBe(0)
  })

  it('of several instances on many jobs, also for the same printers and beside their cancelling, lose nothing', async () => {
    const opened = await openPrintingDatabase()
    await using _ = opened.database
    const { printer, job, unitOfWork, part, prisma } = opened
    const leases: Lease[] = []
    for (let n = 0; n < 50; n += 1) leases.push(await printer({ materials: [n % 2 === 0 ? 'PLA' : 'PETG'] }))
    for (let round = 0; round < 4; round += 1) {
      await prisma.$executeRaw`TRUNCATE print_job, print_copy, attempt CASCADE`
      await prisma.$executeRaw`UPDATE printer_runtime SET bed = 'clear'`
      const jobIds: string[] = []
      for (let n = 0; n < 12; n += 1) {
        const ordered = n % 4 === 0 ? await part(3) : {}
        jobIds.push(
          await job({
            ...ordered,
            copies: 3,
            priority: n % 3,
            requirements: { materials: [n % 2 === 0 ? 'PLA' : 'PETG'] },
          }),
        )
      }
      // Four claimers that all believe to drive all printers: the database alone keeps them apart.
      const claimers = [0, 1, 2, 3].map((n) => claimAll(opened, shuffled(leases, round + n), 4 + n * 5))
      const requeue = async (jobId: string) => {
        const run = () =>
          unitOfWork.run(async (tx) => {
            await tx.printJobs.lock(SYSTEM_ACTOR, jobId)
            await tx.printJobs.moveIdleCopies(jobId, 'queued', 'held', tx.now)
            await tx.printJobs.moveIdleCopies(jobId, 'held', 'queued', tx.now)
          })
        for (let n = 0; n < 5; n += 1) await run()
      }
      await Promise.all([...claimers, ...jobIds.slice(0, 4).map(requeue)])
      await claimAll(opened, leases, 50) // what was held for a moment is taken by whoever looks next
      expect(await checkAll(opened, jobIds)).toBe(36)
    }
    expect(await deadlocks(opened)).toBe(0)
  }, 60_000)

  it('whose answer was lost are found again: the printer has its copy, and a second claim gives it no other', async () => {
    const opened = await openPrintingDatabase()
    await using _ = opened.database
    const { printer, job, unitOfWork, reads } = opened
    const leases = [await printer(), await printer()]
    const jobId = await job({ copies: 4 })
    const cut = {
      ...unitOfWork,
      run: async (work: never) => (await unitOfWork.run(work), Promise.reject(new Error('cut'))),
    }
    await expect(claimMany(cut as never, leases)).rejects.toThrow('cut')

    const again = await claimMany(unitOfWork, leases)
    expect([...again.values()]).toEqual([{ kind: 'not_free' }, { kind: 'not_free' }])
    for (const { printerId } of leases)
      expect((await reads.printers.get(SYSTEM_ACTOR, printerId))?.activeAttempt).toMatchObject({
        jobId,
        state: 'claimed',
      })
    expect(await checkAll(opened, [jobId])).toBe(2)
  })

  it('leave a printer that an index refuses to itself, and give the others their copies', async () => {
    const opened = await openPrintingDatabase()
    await using _ = opened.database
    const { printer, job, unitOfWork, prisma, claimed } = opened
    const leases = [await printer(), await printer(), await printer()]
    const jobId = await job({ copies: 9 })
    await claimed(leases[0] as Lease)
    // As if what the claim reads were wrong: only the index knows that the printer has a copy in hand.
    const blind = <T extends object>(tx: T & { attempts: Opened['reads']['attempts'] }): T => {
      const see = async (read: Promise<Awaited<ReturnType<typeof tx.attempts.lookAtForClaim>>>) =>
        (await read).map((found) => ({ ...found, bed: 'clear' as const, activeAttemptId: null }))
      const attempts = Object.assign(Object.create(tx.attempts) as typeof tx.attempts, {
        lookAtForClaim: (on: Lease[]) => see(tx.attempts.lookAtForClaim(on)),
        lockForClaim: (on: Lease[]) => see(tx.attempts.lockForClaim(on)),
      })
      return { ...tx, attempts }
    }
    const misled = { run: (work: (tx: never) => Promise<never>) => unitOfWork.run((tx) => work(blind(tx) as never)) }
    const results = await claimMany(misled as never, leases)
    expect(leases.map(({ printerId }) => results.get(printerId)?.kind)).toEqual(['not_free', 'claimed', 'claimed'])
    expect(await prisma.attempt.count({ where: { jobId } })).toBe(3)
  })
})
