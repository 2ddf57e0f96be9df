import { describe, expect, it } from 'vitest'

import type { TransactionContext } from '../kernel/index.js'
import { untilOneWaitsForLock } from '../testing/open-database.js'
import { openPrintingDatabase } from '../testing/printing-database.js'
import type { Repositories } from './repositories.js'

/** A printer, and a claim for it that is not committed before another transaction waits for the printer's row. */
const duringClaim = async <T>(work: (tx: Repositories & TransactionContext, printerId: string) => Promise<T>) => {
  const opened = await openPrintingDatabase()
  const { prisma, unitOfWork, printer, job } = opened
  const lease = await printer()
  const jobId = await job()
  let working: Promise<T> | undefined
  await unitOfWork.run(async (tx) => {
    await tx.attempts.lockForClaim([lease])
    working = unitOfWork.run((other) => work(other, lease.printerId))
    await untilOneWaitsForLock(prisma)
    const attempt = { id: 'att_a', jobId, copyNumber: 1, lease, bedBefore: 'clear' as const }
    await tx.attempts.create([{ ...attempt, remoteName: 'ga-1.gcode' }])
  })
  return { ...opened, lease, result: await working }
}

describe('a bed, in the moment of a claim', () => {
  it('stays occupied whoever calls it clear: the copy will lie on it', async () => {
    const { database, reads, lease, result } = await duringClaim((tx, printerId) =>
      tx.beds.clear(printerId, 'usr_a', tx.now),
    )
    await using _ = database
    expect(result).toBeNull()
    expect(await reads.attempts.lookAtForClaim([lease])).toMatchObject([{ bed: 'occupied' }])
  })

  it('is remembered as occupied by a print that Gantry did not order', async () => {
    const { database, reads, lease } = await duringClaim((tx, printerId) => tx.beds.occupy(printerId, tx.now))
    await using _ = database
    expect(await reads.attempts.findActiveOn(lease.printerId)).toMatchObject({ bedBefore: 'occupied' })
  })
})
