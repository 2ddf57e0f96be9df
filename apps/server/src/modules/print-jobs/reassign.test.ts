import { describe, expect, it } from 'vitest'

import { SYSTEM_ACTOR } from '../../kernel/index.js'
import { openPrintingDatabase, type JobSeed } from '../../testing/printing-database.js'
import type { PrintEnd } from './attempt-effects.js'
import { AttemptLedger } from './attempt-ledger.js'

const end = (outcome: PrintEnd['outcome']): PrintEnd => ({
  ...{ outcome, detail: null, hostJobRef: null, printSeconds: 60, filamentUsedMm: null },
})

const CANCELLED = { code: 'CANCELLED_BY_USER', params: {} } as const

/** A copy claimed by `here`; `there` is another free printer. */
const open = async (seed: JobSeed = {}) => {
  const rows = await openPrintingDatabase()
  const ledger = new AttemptLedger(rows.unitOfWork, rows.reads)
  const here = await rows.printer()
  const jobId = await rows.job(seed)
  const attemptId = await rows.claimed(here)
  const there = await rows.printer()
  const { reads, prisma } = rows
  const attempt = async () => (await reads.attempts.get(SYSTEM_ACTOR, attemptId))!
  const job = async () => (await reads.printJobs.get(SYSTEM_ACTOR, jobId))!
  const start = async () => {
    await ledger.markUploading(attemptId)
    const starting = await ledger.markStarting(attemptId, here, 'path.gcode')
    return ledger.markRunning(starting, 'printing', null)
  }
  const giveBack = async () => ledger.revoke((await ledger.find(here.printerId))!, CANCELLED, 'clear')
  const wishes = () => prisma.event.count({ where: { type: 'attempt.reassign_requested', actorId: 'usr_1' } })
  return { ...rows, ledger, here, there, jobId, attemptId, attempt, job, start, giveBack, wishes }
}

describe('a copy that a person wants printed elsewhere', () => {
  it('is not started where it is, and waits for any other printer once it was given back', async () => {
    const { database, ledger, here, there, attemptId, attempt, job, giveBack, claim } = await open()
    await using _ = database
    await ledger.markUploading(attemptId)
    await ledger.reassign(attemptId, null, 'usr_1')
    await expect(ledger.markStarting(attemptId, here, 'p.gcode')).rejects.toMatchObject({ code: 'INVALID_STATE' })
    expect(await ledger.unwantedOn([here.printerId])).toEqual([here.printerId])
    expect(await claim(there)).toEqual({ kind: 'nothing_fits' })
    await giveBack()
    expect(await attempt()).toMatchObject({
      ...{ state: 'revoked', reason: { code: 'REASSIGNED_BY_USER', params: { toPrinterId: null } } },
    })
    expect((await job()).counts).toMatchObject({ queued: 1, active: 0 })
    expect(await claim(here)).toEqual({ kind: 'nothing_fits' })
    expect((await claim(there)).kind).toBe('claimed')
  })

  it('goes to the printer that was named and to no other, also after that one gave it back', async () => {
    const { database, ledger, here, there, attemptId, giveBack, claim, claimed, printer } = await open()
    await using _ = database
    await ledger.reassign(attemptId, there.printerId, 'usr_1')
    await giveBack()
    for (const other of [here, await printer()]) expect(await claim(other)).toEqual({ kind: 'nothing_fits' })
    await claimed(there)
    const again = (await ledger.find(there.printerId))!
    await ledger.revoke(again, { code: 'LEASE_LOST', params: {} }, 'clear')
    expect(await claim(here)).toEqual({ kind: 'nothing_fits' })
    expect((await claim(there)).kind).toBe('claimed')
  })

  it.each(['cancelled', 'failed'] as const)('waits again only when its running print has %s', async (outcome) => {
    const { database, ledger, reads, there, attemptId, attempt, job, start, claim } = await open()
    await using _ = database
    await start()
    await ledger.reassign(attemptId, there.printerId, 'usr_1')
    expect((await job()).counts).toMatchObject({ queued: 0, active: 1 })
    expect(await claim(there)).toEqual({ kind: 'nothing_fits' })
    await ledger.end(attemptId, end(outcome))
    expect(await attempt()).toMatchObject({ state: outcome, reason: { code: 'REASSIGNED_BY_USER' } })
    expect(await job()).toMatchObject({ holds: [], counts: { queued: 1, held: 0 } })
    expect((await reads.alarms.list(SYSTEM_ACTOR, { open: true, limit: 5, cursor: null })).items).toEqual([])
    expect((await claim(there)).kind).toBe('claimed')
  })

  it('is done when its print was faster than the wish, and then can no longer be moved', async () => {
    const { database, ledger, there, attemptId, job, start, claim } = await open()
    await using _ = database
    await start()
    await ledger.reassign(attemptId, there.printerId, 'usr_1')
    await ledger.end(attemptId, end('completed'))
    expect(await job()).toMatchObject({ state: 'done' })
    expect(await claim(there)).toEqual({ kind: 'nothing_fits' })
    await expect(ledger.reassign(attemptId, there.printerId, 'usr_1')).rejects.toMatchObject({ code: 'INVALID_STATE' })
  })

  it('may be nowhere to be found: the wish waits until somebody knows', async () => {
    const { database, ledger, here, there, attemptId, job, start, claim } = await open()
    await using _ = database
    await start()
    await ledger.lost(here, null)
    await ledger.reassign(attemptId, there.printerId, 'usr_1')
    expect(await claim(there)).toEqual({ kind: 'nothing_fits' })
    await ledger.resolve(attemptId, false, 'usr_1')
    expect(await job()).toMatchObject({ state: 'queued', holds: [] })
    expect((await claim(there)).kind).toBe('claimed')
  })

  it('is told so once, however often it is said; another printer is another wish, until the attempt is over', async () => {
    const { database, ledger, there, attemptId, attempt, giveBack, wishes, printer } = await open()
    await using _ = database
    const third = await printer()
    for (const to of [there, there, third, third]) await ledger.reassign(attemptId, to.printerId, 'usr_1')
    expect(await wishes()).toBe(2)
    expect((await attempt()).reassign).toMatchObject({ toPrinterId: third.printerId })
    await giveBack()
    await ledger.reassign(attemptId, third.printerId, 'usr_1')
    await expect(ledger.reassign(attemptId, there.printerId, 'usr_1')).rejects.toMatchObject({ code: 'INVALID_STATE' })
    expect(await wishes()).toBe(2)
  })

  it('is cancelled when its job is, whichever was said first', async () => {
    const { database, unitOfWork, ledger, there, attemptId, attempt, job, start } = await open()
    await using _ = database
    await start()
    await ledger.reassign(attemptId, there.printerId, 'usr_1')
    await unitOfWork.run((tx) => tx.attempts.update(attemptId, { cancelRequestedAt: tx.now }))
    await expect(ledger.reassign(attemptId, null, 'usr_1')).rejects.toMatchObject({ code: 'INVALID_STATE' })
    await ledger.end(attemptId, end('cancelled'))
    expect((await attempt()).reason).toEqual(CANCELLED)
    expect(await job()).toMatchObject({ state: 'cancelled' })
  })

  it('keeps no other copy of its job from a printer', async () => {
    const { database, ledger, here, there, attemptId, jobId, giveBack, claim, reads } = await open({ copies: 3 })
    await using _ = database
    await ledger.reassign(attemptId, there.printerId, 'usr_1')
    await giveBack()
    expect((await claim(here)).kind).toBe('claimed')
    expect((await reads.attempts.findActiveOn(here.printerId))?.copyNumber).toBe(2)
    const [waiting] = await reads.printJobs.waiting({ kinds: null, after: null, limit: 5 })
    expect(waiting).toMatchObject({ id: jobId, queuedCopies: 2, bindings: [{ onlyPrinterId: there.printerId }] })
  })

  it.each(['before', 'after'])('goes anywhere when its printer is removed %s it was given back', async (when) => {
    const { database, unitOfWork, ledger, here, there, attemptId, giveBack, claim } = await open()
    await using _ = database
    await ledger.reassign(attemptId, there.printerId, 'usr_1')
    if (when === 'after') await giveBack()
    await unitOfWork.run((tx) => tx.printers.remove(there.printerId, tx.now))
    if (when === 'before') await giveBack()
    expect((await claim(here)).kind).toBe('claimed')
  })

  it('goes anywhere when its job is released', async () => {
    const { database, unitOfWork, ledger, here, there, jobId, attemptId, giveBack, claim } = await open()
    await using _ = database
    await ledger.reassign(attemptId, there.printerId, 'usr_1')
    await giveBack()
    await unitOfWork.run((tx) => tx.printJobs.unbindCopies(jobId))
    expect((await claim(here)).kind).toBe('claimed')
  })
})
