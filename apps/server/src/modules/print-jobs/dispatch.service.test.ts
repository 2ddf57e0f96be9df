import { describe, expect, it } from 'vitest'

import { inRole, SYSTEM_ACTOR, systemClock, newId, type Actor } from '../../kernel/index.js'
import { openPrintingDatabase } from '../../testing/printing-database.js'
import type { HostReport } from '../printers/printer-driver.port.js'
import type { PrinterLive } from '../printers/printers.ports.js'
import { AttemptLedger } from './attempt-ledger.js'
import { DispatchService } from './dispatch.service.js'

const report: HostReport = {
  ...{ observed: 'Operational', state: 'idle', printerConnected: true, busyDetail: null, attention: null },
  ...{ heaters: [], job: null },
}

/** Every printer is connected and idle, unless `said` says otherwise. */
const open = async (said: (printerId: string) => Partial<PrinterLive> | null = () => ({})) => {
  const rows = await openPrintingDatabase()
  const get = (printerId: string): PrinterLive | null => {
    const change = said(printerId)
    if (change === null) return null
    return {
      ...{ printerId, boot: 'b', seq: 1, atMs: systemClock.now(), link: 'connected', linkError: null, report },
      permissions: { upload: true, delete: true, print: true, detail: null },
      ...{ pending: null, restsUntilMs: null },
      ...change,
    }
  }
  const dispatch = new DispatchService({ database: rows.unitOfWork, board: { get, clock: systemClock } })
  return { ...rows, dispatch }
}

const codesOf = (reasons: { code: string }[]) => reasons.map(({ code }) => code)

describe('the preview of the dispatch', () => {
  it('tells in order what the claims then take, and changes nothing itself', async () => {
    const { database, prisma, dispatch, printer, job, claim } = await open()
    await using _ = database
    const leases = [await printer({ materials: ['PLA'] }), await printer({ materials: ['PETG'] }), await printer()]
    const low = await job({ copies: 2 })
    const petg = await job({ priority: 5, requirements: { materials: ['PETG'] } })
    const before = await prisma.event.count()
    const { starts, waiting, more } = await dispatch.preview(SYSTEM_ACTOR, 10)
    expect(starts.map(({ jobId, copyNumber, printerId }) => [jobId, copyNumber, printerId])).toEqual([
      [petg, 1, leases[1]!.printerId],
      [low, 1, leases[0]!.printerId],
      [low, 2, leases[2]!.printerId],
    ])
    expect([waiting, more]).toEqual([[], false])
    expect([await prisma.event.count(), await prisma.attempt.count()]).toEqual([before, 0])

    for (const lease of leases) await claim(lease)
    const attempts = await prisma.attempt.findMany({ orderBy: { printerId: 'asc' } })
    const seen = starts.map(({ jobId, copyNumber, printerId }) => ({ jobId, copyNumber, printerId }))
    expect(attempts.map(({ jobId, copyNumber, printerId }) => ({ jobId, copyNumber, printerId }))).toEqual(
      seen.toSorted((a, b) => (a.printerId < b.printerId ? -1 : 1)),
    )
  })

  it('says of what nothing would take how many copies wait, and what is in the way at how many printers', async () => {
    const { database, dispatch, printer, job } = await open()
    await using _ = database
    for (const bed of ['clear', 'occupied', 'occupied'] as const) await printer({ bed, materials: ['PLA'] })
    await job({ copies: 3 })
    const abs = await job({ requirements: { materials: ['ABS'] } })
    const { starts, waiting } = await dispatch.preview(SYSTEM_ACTOR, 10)
    expect(starts).toHaveLength(1)
    expect(waiting).toMatchObject([
      {
        copies: 2,
        reasons: [
          { code: 'BED_OCCUPIED', printers: 2 },
          { code: 'BEHIND_IN_QUEUE', printers: 1 },
        ],
      },
      { jobId: abs, copies: 1, reasons: [{ code: 'MATERIAL_MISMATCH', printers: 3 }, { printers: 2 }] },
    ])
    expect(await dispatch.preview(SYSTEM_ACTOR, 1)).toMatchObject({ waiting: [{ copies: 2 }], more: true })
  })

  it('counts the jobs and printers of others, and shows only what the actor may see', async () => {
    const { database, dispatch, printer, job } = await open()
    await using _ = database
    await printer()
    await job({ priority: 1 })
    const stranger: Actor = {
      ...{ kind: 'user', id: newId('user'), ...inRole('viewer'), sessionId: null, apiKeyId: null },
      scope: { printerGroups: 'all', projects: [] },
    }
    expect(await dispatch.preview(stranger, 10)).toMatchObject({ starts: [], waiting: [], more: false })
    const nowhere: Actor = { ...stranger, scope: { printerGroups: [], projects: 'all' } }
    expect(await dispatch.preview(nowhere, 10)).toMatchObject({ starts: [], waiting: [], more: false })
  })
})

describe('why a job waits', () => {
  it('is said however far back in the queue it is, of every printer', async () => {
    const { database, dispatch, printer, job } = await open()
    await using _ = database
    const { printerId } = await printer({ materials: ['PLA'], bed: 'occupied' })
    for (let n = 0; n < 60; n += 1) await job({ priority: 1 })
    const last = await job({ requirements: { materials: ['PETG'] } })
    const { printers } = await dispatch.explainJob(SYSTEM_ACTOR, last)
    expect(printers).toMatchObject([
      {
        printerId,
        reasons: [{ code: 'MATERIAL_MISMATCH', text: 'Needs PETG, has PLA loaded.' }, { code: 'BED_OCCUPIED' }],
      },
    ])
  })

  it('is that a person gave its copies elsewhere, as long as none is left for this printer', async () => {
    const { database, unitOfWork, reads, dispatch, printer, job, claimed } = await open()
    await using _ = database
    const [here, there] = [await printer(), await printer()]
    const jobId = await job()
    const ledger = new AttemptLedger(unitOfWork, reads)
    await ledger.reassign(await claimed(here), there.printerId, 'usr_1')
    const attempt = (await ledger.find(here.printerId))!
    await ledger.revoke(attempt, { code: 'CANCELLED_BY_USER', params: {} }, 'clear')
    const { printers } = await dispatch.explainJob(SYSTEM_ACTOR, jobId)
    expect(Object.fromEntries(printers.map(({ printerId, reasons }) => [printerId, codesOf(reasons)]))).toEqual({
      [here.printerId]: ['COPY_GIVEN_ELSEWHERE'],
      [there.printerId]: [],
    })
  })

  it('is that nobody drives the printer, or that it rests, by the latest word', async () => {
    const lives = new Map<string, Partial<PrinterLive> | null>()
    const { database, dispatch, printer, job } = await open((printerId) => lives.get(printerId) ?? null)
    await using _ = database
    const { printerId } = await printer()
    const jobId = await job()
    const codes = async () => codesOf((await dispatch.explainJob(SYSTEM_ACTOR, jobId)).printers[0]!.reasons)
    expect(await codes()).toEqual(['PRINTER_NOT_SERVED'])
    lives.set(printerId, { restsUntilMs: systemClock.now() + 60_000 })
    expect(await codes()).toEqual(['PRINTER_RESTING'])
    lives.set(printerId, { atMs: systemClock.now() - 60_000 })
    expect(await codes()).toEqual(['PRINTER_NOT_SERVED'])
  })
})

describe('what a printer waits for', () => {
  it('is its obstacles, its holds and its copy in hand, and which jobs at the head of the queue do not suit it', async () => {
    const { database, unitOfWork, dispatch, printer, job, claimed } = await open()
    await using _ = database
    const lease = await printer({ materials: ['PLA'] })
    const first = await job({ copies: 2 })
    const petg = await job({ requirements: { materials: ['PETG'] } })
    const { printerId } = lease
    expect(await dispatch.explainPrinter(SYSTEM_ACTOR, printerId, 10)).toMatchObject({
      ...{ state: 'idle', waitingFor: [], holds: [], attempt: null },
      queue: [
        { jobId: first, reasons: [] },
        { jobId: petg, reasons: [{ code: 'MATERIAL_MISMATCH' }] },
      ],
    })
    const id = await claimed(lease)
    await unitOfWork.run((tx) => tx.holds.open({ printerId }, { code: 'SET_BY_PERSON', params: { note: 'x' } }, null))
    expect(await dispatch.explainPrinter(SYSTEM_ACTOR, printerId, 1)).toMatchObject({
      waitingFor: [{ code: 'PRINTER_HELD' }, { code: 'PRINTER_BUSY', params: { attemptId: id } }],
      holds: [{ code: 'SET_BY_PERSON', text: 'Held by a person: x.' }],
      attempt: { id, jobId: first, jobName: first, copyNumber: 1, state: 'claimed' },
      queue: [{ jobId: first }],
    })
  })
})
