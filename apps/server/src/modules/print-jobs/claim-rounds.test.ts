import { describe, expect, it } from 'vitest'

import type { TransactionContext } from '../../kernel/index.js'
import { openPrintingDatabase } from '../../testing/printing-database.js'
import { recordingLogger } from '../../testing/recording-logger.js'
import type { ServedPrinter } from '../printers/fleet.js'
import type { Lease } from '../printers/printer-session.js'
import { ClaimRounds } from './claim-rounds.js'
import type { ClaimRepositories } from './claims.js'

type ClaimTransaction = ClaimRepositories & TransactionContext

/** Rounds over these leases; `said` tells in order what was claimed and told. */
const open = async (printers: number) => {
  const opened = await openPrintingDatabase()
  const { unitOfWork, reads, printer } = opened
  const leases: Lease[] = []
  for (let n = 0; n < printers; n += 1) leases.push(await printer({ materials: ['PLA'] }))
  const records = await reads.printers.getMany(leases.map(({ printerId }) => printerId))
  const served = leases.map(
    (lease) => ({ record: records.get(lease.printerId), supervisor: { lease } }) as unknown as ServedPrinter,
  )
  const log = recordingLogger()
  const [told, refreshed]: [string[], string[]] = [[], []]
  const transactions = { begun: 0, failing: 0, looks: 0 }
  const counted = <T extends Pick<ClaimTransaction, 'printJobs'>>(tx: T): T => {
    const waitingKinds = () => {
      transactions.looks += 1
      return tx.printJobs.waitingKinds()
    }
    return { ...tx, printJobs: Object.assign(Object.create(tx.printJobs) as typeof tx.printJobs, { waitingKinds }) }
  }
  const rounds = new ClaimRounds({
    unitOfWork: {
      ...unitOfWork,
      run: (work) => {
        transactions.begun += 1
        const fails = transactions.failing-- > 0
        return fails ? Promise.reject(new Error('no database')) : unitOfWork.run((tx) => work(counted(tx)))
      },
    },
    reads: counted(reads),
    free: () => served.filter(({ record }) => !told.includes(record.id)),
    onClaimed: (printerId) => told.push(printerId),
    refresh: (printerId) => {
      refreshed.push(printerId)
      return Promise.resolve()
    },
    log,
  })
  return { ...opened, rounds, leases, told, refreshed, transactions, log }
}

describe('a round of claims', () => {
  it('takes a transaction for each fifty printers, and tells of them when all are claimed', async () => {
    const { database, rounds, job, told, refreshed, transactions } = await open(60)
    await using _ = database
    await job({ copies: 55, requirements: { materials: ['PLA'] } })
    expect(await rounds.run()).toBe(false)
    expect([told.length, refreshed.length, transactions.begun]).toEqual([55, 55, 2])
  })

  it('makes no claim for many printers when nothing that waits fits any', async () => {
    const { database, rounds, job, transactions } = await open(51)
    await using _ = database
    await job({ requirements: { materials: ['PETG'] } })
    expect(await rounds.run()).toBe(false)
    expect(transactions).toMatchObject({ begun: 0, looks: 1 })
  })

  it('looks no further than the head of the queue when that has something for everybody', async () => {
    const { database, rounds, job, told, transactions } = await open(3)
    await using _ = database
    await job({ copies: 3, requirements: { materials: ['PLA'] } })
    for (let n = 0; n < 20; n += 1) await job({ priority: -1, requirements: { materials: ['PETG'] } })
    expect(await rounds.run()).toBe(false)
    expect([told.length, transactions.begun, transactions.looks]).toEqual([3, 1, 0])
  })

  it('looks at the queue once, however much of it fits nothing, and not at all while no printer is free', async () => {
    const { database, rounds, job, told, transactions } = await open(51)
    await using _ = database
    for (let n = 0; n < 51; n += 1) await job({ priority: 1, requirements: { materials: ['PETG'] } })
    await job({ copies: 51, requirements: { materials: ['PLA'] } })
    await rounds.run()
    expect([told.length, transactions.begun, transactions.looks]).toEqual([51, 2, 1])
    await rounds.run()
    expect([transactions.begun, transactions.looks]).toEqual([2, 1])
  })

  it('comes back for printers that others have in hand', async () => {
    const { database, rounds, job, told, leases, unitOfWork } = await open(2)
    await using _ = database
    await job({ copies: 2 })
    await unitOfWork.run(async (tx) => {
      await tx.attempts.lockForClaim(leases.slice(0, 1))
      expect(await rounds.run()).toBe(true)
    })
    expect(told).toEqual([leases[1]?.printerId])
    expect(await rounds.run()).toBe(false)
    expect(told).toHaveLength(2)
  })

  it('tries printers alone after a claim of several failed, so that a fault stays with its printer', async () => {
    const { database, rounds, job, told, transactions, log } = await open(3)
    await using _ = database
    await job({ copies: 3 })
    transactions.failing = 1
    await rounds.run()
    expect(told).toEqual([])
    expect(log.lines.filter(({ level }) => level === 'error')).toHaveLength(1)
    transactions.begun = 0
    await rounds.run()
    expect([told.length, transactions.begun]).toEqual([3, 3])
  })
})
