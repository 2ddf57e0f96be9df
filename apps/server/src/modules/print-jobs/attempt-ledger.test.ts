import pg from 'pg'
import { describe, expect, it, vi } from 'vitest'

import { SYSTEM_ACTOR } from '../../kernel/index.js'
import { untilOneWaitsForLock } from '../../testing/open-database.js'
import { openPrintingDatabase, type JobSeed } from '../../testing/printing-database.js'
import type { PrintEnd } from './attempt-effects.js'
import { AttemptLedger } from './attempt-ledger.js'

const end = (outcome: PrintEnd['outcome']): PrintEnd => ({
  ...{ outcome, detail: null, hostJobRef: null, printSeconds: 60, filamentUsedMm: null },
})

const open = async (seed: JobSeed = {}) => {
  const rows = await openPrintingDatabase()
  const ledger = new AttemptLedger(rows.unitOfWork, rows.reads)
  const lease = await rows.printer()
  const jobId = await rows.job(seed)
  const attemptId = await rows.claimed(lease)
  const { reads } = rows
  const job = async () => (await reads.printJobs.get(SYSTEM_ACTOR, jobId))!
  const printer = async () => (await reads.printers.get(SYSTEM_ACTOR, lease.printerId))!
  const alarms = async () =>
    (await reads.alarms.list(SYSTEM_ACTOR, { open: true, limit: 10, cursor: null })).items.map(({ code }) => code)
  const start = async () => {
    await ledger.markUploading(attemptId)
    const starting = await ledger.markStarting(attemptId, lease, 'path.gcode')
    return ledger.markRunning(starting, 'printing', null)
  }
  const secondCopy = async () => {
    const other = await rows.printer()
    return { lease: other, attemptId: await rows.claimed(other) }
  }
  return { ...rows, ledger, lease, jobId, attemptId, job, printer, alarms, start, secondCopy }
}

describe('the ledger of attempts', () => {
  it('counts a completed copy for its job, its part and its project', async () => {
    const rows = await openPrintingDatabase()
    await using _ = rows.database
    const part = await rows.part(2)
    const jobId = await rows.job({ copies: 2, ...part })
    const ledger = new AttemptLedger(rows.unitOfWork, rows.reads)
    for (const done of [1, 2]) {
      const lease = await rows.printer()
      const id = await rows.claimed(lease)
      await ledger.markUploading(id)
      await ledger.markStarting(id, lease, 'p.gcode')
      await ledger.end(id, end('completed'))
      const project = await rows.reads.projects.get(SYSTEM_ACTOR, part.projectId)
      expect(project).toMatchObject({
        status: done === 2 ? 'done' : 'in_progress',
        parts: [{ completedQuantity: done, status: done === 2 ? 'done' : 'in_progress' }],
      })
    }
    expect(await rows.reads.printJobs.get(SYSTEM_ACTOR, jobId)).toMatchObject({ state: 'done', counts: { done: 2 } })
    const attempts = await rows.reads.attempts.listOfJob(SYSTEM_ACTOR, jobId, 5)
    expect(attempts[0]).toMatchObject({ state: 'completed', filamentUsedMm: 1_000, filamentUsedGrams: 3 })
  })

  it('puts copy and bed back when an attempt never started', async () => {
    const { database, ledger, attemptId, lease, job, printer, claimed } = await open()
    await using _ = database
    const attempt = await ledger.markUploading(attemptId)
    await ledger.revoke(attempt, { code: 'LEASE_LOST', params: {} }, attempt.bedBefore)
    expect((await job()).counts).toMatchObject({ queued: 1, active: 0 })
    expect(await printer()).toMatchObject({ bed: 'clear', activeAttempt: null })
    await claimed(lease)
  })

  it('leaves the bed occupied when a foreign print was noticed before the attempt was taken back', async () => {
    const { database, unitOfWork, ledger, attemptId, lease, printer } = await open()
    await using _ = database
    const attempt = await ledger.markUploading(attemptId)
    await unitOfWork.run((tx) => tx.beds.occupy(lease.printerId, tx.now))
    await ledger.revoke(attempt, { code: 'LEASE_LOST', params: {} }, 'clear')
    expect(await printer()).toMatchObject({ bed: 'occupied', activeAttempt: null })
  })

  it('takes nothing back on a proof about an earlier state', async () => {
    const { database, ledger, attemptId, lease } = await open()
    await using _ = database
    const seen = await ledger.markUploading(attemptId)
    await ledger.markStarting(attemptId, lease, 'p.gcode')
    await expect(ledger.revoke(seen, { code: 'LEASE_LOST', params: {} }, 'clear')).rejects.toMatchObject({
      code: 'INVALID_STATE',
    })
  })

  it('starts nothing without a valid lease, nor what is to be cancelled', async () => {
    const { database, prisma, unitOfWork, ledger, attemptId, lease } = await open()
    await using _ = database
    await ledger.markUploading(attemptId)
    const start = () => ledger.markStarting(attemptId, lease, 'p.gcode')
    await prisma.$executeRaw`UPDATE printer_runtime SET lease_until = now()`
    await expect(start()).rejects.toMatchObject({ code: 'INVALID_STATE' })
    await prisma.$executeRaw`UPDATE printer_runtime SET lease_until = now() + interval '1 minute'`
    await unitOfWork.run((tx) => tx.attempts.update(attemptId, { cancelRequestedAt: tx.now }))
    await expect(start()).rejects.toMatchObject({ code: 'INVALID_STATE' })
    expect(await ledger.unwantedOn([lease.printerId])).toEqual([lease.printerId])
  })

  it('takes a copy to its print while others have the job in hand', async () => {
    const { database, unitOfWork, jobId, start } = await open({ copies: 2 })
    await using _ = database
    await unitOfWork.run(async (tx) => {
      await tx.printJobs.lock(SYSTEM_ACTOR, jobId)
      expect(await start()).toMatchObject({ state: 'printing' })
    })
  })

  it('keeps no printer while it waits for a job, so that its lease can be renewed', async () => {
    const { database, prisma, unitOfWork, ledger, attemptId, lease, jobId, start } = await open()
    await using _ = database
    await start()
    const { ending } = await unitOfWork.run(async (tx) => {
      await tx.printJobs.lock(SYSTEM_ACTOR, jobId)
      const waiting = ledger.under(lease).end(attemptId, end('completed'))
      await untilOneWaitsForLock(prisma)
      expect(await tx.attempts.isLeaseValid(lease)).toBe(true)
      return { ending: waiting }
    })
    expect(await ending).toMatchObject({ state: 'completed' })
  })

  it('reads what many printers have in hand together, each time in one statement', async () => {
    const { database, ledger, lease, attemptId, secondCopy } = await open({ copies: 2 })
    await using _ = database
    const second = await secondCopy()
    const statements = vi.spyOn(pg.Client.prototype, 'query')
    const asked = [lease.printerId, lease.printerId, second.lease.printerId, 'prn_none']
    const found = await Promise.all(asked.map((printerId) => ledger.find(printerId)))
    const here = found.map((attempt) => attempt?.id ?? null)
    expect(here).toEqual([attemptId, attemptId, second.attemptId, null])
    expect(statements).toHaveBeenCalledTimes(2)
    statements.mockRestore()
  })

  it('writes nothing for an instance whose lease another has by now', async () => {
    const { database, ledger, attemptId, lease, leaseTo, start } = await open()
    await using _ = database
    const attempt = await start()
    const next = await leaseTo('ins_b', lease.printerId)
    const late = ledger.under(lease)
    const stale = { code: 'INVALID_STATE' }
    await expect(late.end(attemptId, end('failed'))).rejects.toMatchObject(stale)
    await expect(late.markRunning(attempt, 'paused', null)).rejects.toMatchObject(stale)
    await expect(late.revoke(attempt, { code: 'LEASE_LOST', params: {} }, 'clear')).rejects.toMatchObject(stale)
    await expect(ledger.lost(lease, null)).rejects.toMatchObject(stale)
    expect(await ledger.find(lease.printerId)).toMatchObject({ id: attemptId, state: 'printing' })
    expect(await ledger.under(next).end(attemptId, end('completed'))).toMatchObject({ state: 'completed' })
  })

  it('holds and alarms a lost print once, and settles all of it when it is found again', async () => {
    const { database, ledger, lease, start, job, printer, alarms } = await open()
    await using _ = database
    const attempt = await start()
    await ledger.lost(lease, 'gone')
    await ledger.lost(lease, 'gone')
    expect(await job()).toMatchObject({ state: 'held', counts: { held: 1, active: 0 } })
    expect((await job()).holds.map(({ code }) => code)).toEqual(['PRINTER_LOST'])
    expect((await printer()).holds.map(({ code }) => code)).toEqual(['PRINTER_LOST'])
    expect(await alarms()).toEqual(['PRINTER_LOST'])

    await expect(ledger.markRunning(attempt, 'paused', null)).rejects.toMatchObject({ code: 'INVALID_STATE' })
    await ledger.markRunning({ id: attempt.id, state: 'unknown' }, 'printing', null)
    expect(await job()).toMatchObject({ state: 'printing', holds: [], counts: { held: 0, active: 1 } })
    expect((await printer()).holds).toEqual([])
    expect(await alarms()).toEqual([])
  })

  it('records no loss for whoever has lost the lease', async () => {
    const { database, leaseTo, ledger, lease, start, job } = await open()
    await using _ = database
    await start()
    await leaseTo('ins_b', lease.printerId)
    await expect(ledger.lost(lease, null)).rejects.toMatchObject({ code: 'INVALID_STATE' })
    expect((await job()).state).toBe('printing')
  })

  it('keeps the job held for the copy that is still unknown when another is found', async () => {
    const { database, ledger, lease, attemptId, start, job, secondCopy } = await open({ copies: 2 })
    await using _ = database
    await start()
    const second = await secondCopy()
    await ledger.markUploading(second.attemptId)
    await ledger.lost(lease, null)
    await ledger.lost(second.lease, null)
    await ledger.end(attemptId, end('completed'))
    expect((await job()).holds).toMatchObject([{ code: 'PRINTER_LOST', params: { attemptId: second.attemptId } }])
    expect((await job()).counts).toMatchObject({ done: 1, held: 1 })
  })

  it('lets a person say what became of an unknown copy, and no other, in that person’s name', async () => {
    const { database, prisma, ledger, lease, attemptId, start, job, printer } = await open()
    await using _ = database
    await start()
    await expect(ledger.resolve(attemptId, false, 'usr_1')).rejects.toMatchObject({ code: 'INVALID_STATE' })
    await ledger.lost(lease, null)
    await ledger.resolve(attemptId, false, 'usr_1')
    expect(await job()).toMatchObject({ state: 'queued', holds: [], counts: { queued: 1, held: 0 } })
    expect(await printer()).toMatchObject({ bed: 'occupied', holds: [], activeAttempt: null })
    const last = await prisma.event.findFirst({ where: { type: 'attempt.changed' }, orderBy: { seq: 'desc' } })
    expect(last?.actorId).toBe('usr_1')
  })

  it('holds the copy of a file that hosts refuse, and leaves the printer to others', async () => {
    const { database, ledger, attemptId, job, printer } = await open({ copies: 2 })
    await using _ = database
    const attempt = await ledger.markUploading(attemptId)
    const reason = { code: 'UPLOAD_FAILED', params: { driverCode: 'bad_file', detail: 'no' } } as const
    await ledger.revoke(attempt, reason, attempt.bedBefore)
    expect(await job()).toMatchObject({ counts: { held: 1, queued: 1 }, holds: [reason] })
    expect((await printer()).holds).toEqual([])
  })

  it('holds a failed copy with an alarm, and one cancelled at the panel without', async () => {
    for (const outcome of ['failed', 'cancelled'] as const) {
      const { database, ledger, attemptId, start, job, alarms } = await open()
      await using _ = database
      await start()
      await ledger.end(attemptId, end(outcome))
      expect(await job()).toMatchObject({ state: 'held', counts: { held: 1 } })
      expect(await alarms()).toEqual(outcome === 'failed' ? ['PRINT_FAILED'] : [])
    }
  })
})
