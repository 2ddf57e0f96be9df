import { describe, expect, it } from 'vitest'

import { newId, SYSTEM_ACTOR } from '../../kernel/index.js'
import { untilOneWaitsForLock } from '../../testing/open-database.js'
import { openPrintingDatabase } from '../../testing/printing-database.js'
import { newRemoteName } from './remote-name.js'

describe('a claim', () => {
  it('takes a copy, marks the bed occupied and remembers what it found', async () => {
    const { database, prisma, reads, printer, job, claim } = await openPrintingDatabase()
    await using _ = database
    const lease = await printer()
    const jobId = await job({ copies: 2 })

    expect(await claim(lease)).toMatchObject({ kind: 'claimed', jobId })
    expect(await reads.attempts.findActiveOn(lease.printerId)).toMatchObject({
      ...{ jobId, copyNumber: 1, state: 'claimed', bedBefore: 'clear', leaseEpoch: lease.epoch },
    })
    expect(await reads.printJobs.get(SYSTEM_ACTOR, jobId)).toMatchObject({
      ...{ state: 'printing', counts: { queued: 1, active: 1 } },
    })
    expect((await reads.printers.get(SYSTEM_ACTOR, lease.printerId))?.bed).toBe('occupied')
    expect(await claim(lease)).toEqual({ kind: 'not_free' })
    const events = await prisma.event.findMany({ orderBy: { seq: 'asc' } })
    expect(events.map(({ type }) => type)).toEqual(['attempt.changed', 'printer.bed_changed', 'print_job.changed'])
  })

  it('gives as many printers as ask at once a copy each, and never the same', async () => {
    const { database, prisma, reads, printer, job, claim } = await openPrintingDatabase()
    await using _ = database
    const leases = []
    for (let n = 0; n < 6; n += 1) leases.push(await printer())
    const jobId = await job({ copies: 4 })

    const results = await Promise.all(leases.map(claim))
    const without = leases.filter((_, n) => results[n]?.kind !== 'claimed')
    expect(without).toHaveLength(2)
    // Who waited for the job in vain is told so, and finds on a second look that nothing is left.
    expect(await Promise.all(without.map(claim))).toEqual([{ kind: 'nothing_fits' }, { kind: 'nothing_fits' }])
    const attempts = await prisma.attempt.findMany()
    expect(attempts.map(({ copyNumber }) => copyNumber).toSorted()).toEqual([1, 2, 3, 4])
    expect((await reads.printJobs.get(SYSTEM_ACTOR, jobId))?.counts).toMatchObject({ queued: 0, active: 4 })
  })

  it('takes the highest priority first, then whoever came first, and passes by what does not fit', async () => {
    const { database, printer, job, claim } = await openPrintingDatabase()
    await using _ = database
    const first = await job()
    const second = await job()
    const urgent = await job({ priority: 5 })
    await job({ priority: 9, requirements: { materials: ['PETG'] } })

    const order = []
    for (let n = 0; n < 4; n += 1) order.push(await claim(await printer({ materials: ['PLA'] })))
    expect(order).toMatchObject([{ jobId: urgent }, { jobId: first }, { jobId: second }, { kind: 'nothing_fits' }])
  })

  it('gives a 3MF to printers alone whose driver said that their host prints it', async () => {
    const { database, prisma, reads, printer, job, claim } = await openPrintingDatabase()
    await using _ = database
    const jobId = await job({ copies: 2, requirements: { fileFormat: '3mf' } })
    expect(await claim(await printer())).toEqual({ kind: 'nothing_fits' })

    const able = await printer()
    const where = { printerId: able.printerId }
    await prisma.printerRuntime.update({ where, data: { capabilities: ['pause', '3mf'] } })
    expect((await reads.printers.get(SYSTEM_ACTOR, able.printerId))?.fileFormats).toEqual(['gcode', '3mf'])
    expect(await claim(able)).toMatchObject({ kind: 'claimed', jobId })
    expect((await reads.attempts.findActiveOn(able.printerId))?.remoteName).toMatch(/\.3mf$/)
  })

  it('compares the requirements: what is not known does not fit', async () => {
    const { database, printer, job, claim } = await openPrintingDatabase()
    await using _ = database
    await job({ requirements: { materials: ['PLA'], nozzleDiameterMm: 0.4 } })
    expect((await claim(await printer())).kind).toBe('nothing_fits')
    expect((await claim(await printer({ materials: ['PLA'] }))).kind).toBe('nothing_fits')
    expect((await claim(await printer({ materials: ['PLA'], nozzleDiameterMm: 0.6 }))).kind).toBe('nothing_fits')
    expect((await claim(await printer({ materials: ['PLA'], nozzleDiameterMm: 0.4 }))).kind).toBe('claimed')
  })

  it('is refused for an occupied bed, a hold, maintenance, a switched off or a removed printer', async () => {
    const { database, unitOfWork, printer, job, claim } = await openPrintingDatabase()
    await using _ = database
    await job({ copies: 9 })
    const held = await printer()
    await unitOfWork.run((tx) => tx.holds.open(held, { code: 'SET_BY_PERSON', params: { note: null } }, null))
    const [serviced, off, removed] = [await printer(), await printer(), await printer()]
    await unitOfWork.run(async (tx) => {
      await tx.printers.update(serviced.printerId, { maintenance: true }, null, tx.now)
      await tx.printers.update(off.printerId, { enabled: false }, null, tx.now)
      await tx.printers.remove(removed.printerId, tx.now)
    })
    for (const lease of [await printer({ bed: 'occupied' }), held, serviced, off, removed])
      expect(await claim(lease)).toEqual({ kind: 'not_free' })
  })

  it('is refused once the lease has ended or is held anew', async () => {
    const { database, prisma, printer, leaseTo, job, claim } = await openPrintingDatabase()
    await using _ = database
    await job({ copies: 9 })
    const lease = await printer()
    await prisma.$executeRaw`UPDATE printer_runtime SET lease_until = now() - interval '1 second'`
    expect(await claim(lease)).toEqual({ kind: 'not_free' })
    const next = await leaseTo('ins_b', lease.printerId)
    expect(await claim(lease)).toEqual({ kind: 'not_free' })
    expect((await claim(next)).kind).toBe('claimed')
  })

  it('waits for a job that is locked for a moment, rather than leave the printer idle', async () => {
    const { database, unitOfWork, prisma, printer, job, claim } = await openPrintingDatabase()
    await using _ = database
    const jobId = await job({ copies: 2 })
    const lease = await printer()
    let claiming: ReturnType<typeof claim> | undefined
    await unitOfWork.run(async (tx) => {
      await tx.printJobs.lock(SYSTEM_ACTOR, jobId)
      claiming = claim(lease)
      await untilOneWaitsForLock(prisma)
    })
    expect((await claiming)?.kind).toBe('claimed')
  })

  it('leaves the last word to the indexes: one active attempt per printer and per copy', async () => {
    const { database, unitOfWork, printer, job, claimed } = await openPrintingDatabase()
    await using _ = database
    const jobId = await job({ copies: 2 })
    const [lease, other] = [await printer(), await printer()]
    await claimed(lease)
    const insert = (on: typeof lease, copyNumber: number) =>
      unitOfWork.run(({ attempts }) =>
        attempts.create([
          {
            ...{ id: newId('attempt'), jobId, copyNumber, lease: on, bedBefore: 'clear' },
            remoteName: newRemoteName(jobId, copyNumber),
          },
        ]),
      )
    await expect(insert(lease, 2)).rejects.toMatchObject({ code: 'INVALID_STATE' })
    await expect(insert(other, 1)).rejects.toMatchObject({ code: 'INVALID_STATE' })
    await insert(other, 2)
  })
})
