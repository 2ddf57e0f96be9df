import { describe, expect, it } from 'vitest'

import { newId, SYSTEM_ACTOR } from '../kernel/index.js'
import { openPrintingDatabase } from '../testing/printing-database.js'

describe('leases', () => {
  it('belong to one owner until they end, by the database’s clock, and then to whoever comes first', async () => {
    const { database, prisma, unitOfWork, printer } = await openPrintingDatabase()
    await using _ = database
    const { printerId, epoch } = await printer({}, 'ins_a')
    const acquire = (owner: string) => unitOfWork.run(({ fleet }) => fleet.renewAndAcquire(owner, 60, 10))
    expect(await acquire('ins_b')).toEqual([])
    expect(await acquire('ins_a')).toEqual([{ printerId, epoch }])
    await prisma.$executeRaw`UPDATE printer_runtime SET lease_until = now()`
    const both = await Promise.all([acquire('ins_b'), acquire('ins_c')])
    expect(both.flat()).toEqual([{ printerId, epoch: epoch + 1 }])
  })

  it('are given back at once, and taken up to the capacity and no further', async () => {
    const { database, unitOfWork, printer } = await openPrintingDatabase()
    await using _ = database
    for (let n = 0; n < 3; n += 1) await printer({}, 'ins_a')
    await unitOfWork.run(({ fleet }) => fleet.release('ins_a', 'all'))
    const acquire = () => unitOfWork.run(({ fleet }) => fleet.renewAndAcquire('ins_b', 60, 2))
    expect(await acquire()).toHaveLength(2)
    expect(await acquire()).toHaveLength(2)
  })

  it('are needed to write a printer’s state', async () => {
    const { database, unitOfWork, printer } = await openPrintingDatabase()
    await using _ = database
    const { printerId } = await printer({}, 'ins_a')
    const save = (owner: string, state: string) =>
      unitOfWork.run((tx) => tx.fleet.saveState(owner, printerId, state, tx.now))
    expect(await save('ins_b', 'idle')).toBeNull()
    expect(await save('ins_a', 'idle')).toEqual({ printerId, from: 'offline', to: 'idle' })
    expect(await save('ins_a', 'idle')).toBeNull()
  })
})

describe('orders to printers', () => {
  const open = async () => {
    const rows = await openPrintingDatabase()
    const { printerId } = await rows.printer({}, 'ins_a')
    const order = async (deadlineSeconds: number) => {
      const id = newId('printerCommand')
      const command = { id, printerId, kind: 'pause' as const, attemptId: null, deadlineSeconds, createdById: 'system' }
      await rows.unitOfWork.run(({ commands }) => commands.create(command))
      return id
    }
    const take = (owner: string) => rows.unitOfWork.run(({ commands }) => commands.take(owner, [printerId]))
    return { ...rows, order, take }
  }

  it('are taken once, by the owner of the lease and nobody else', async () => {
    const { database, order, take } = await open()
    await using _ = database
    const id = await order(10)
    expect(await take('ins_b')).toEqual([])
    const taken = await Promise.all([take('ins_a'), take('ins_a')])
    expect(taken.flat().map((command) => command.id)).toEqual([id])
  })

  it('are never taken after their deadline', async () => {
    const { database, unitOfWork, reads, order, take } = await open()
    await using _ = database
    const id = await order(0)
    expect(await take('ins_a')).toEqual([])
    expect(await unitOfWork.run(({ commands }) => commands.expire())).toMatchObject([{ id, state: 'expired' }])
    expect(await reads.commands.get(SYSTEM_ACTOR, id)).toMatchObject({ state: 'expired', errorCode: null })
  })

  it('fail when the server that took them died over them, and keep the answer that comes after all out', async () => {
    const { database, prisma, unitOfWork, reads, order, take } = await open()
    await using _ = database
    const id = await order(10)
    await take('ins_a')
    expect(await unitOfWork.run(({ commands }) => commands.expire())).toEqual([])
    await prisma.$executeRaw`UPDATE printer_command SET taken_at = now() - interval '1 minute'`
    expect(await unitOfWork.run(({ commands }) => commands.expire())).toMatchObject([{ id, state: 'failed' }])
    await unitOfWork.run(({ commands }) => commands.finish(id, { state: 'done' }))
    expect(await reads.commands.get(SYSTEM_ACTOR, id)).toMatchObject({ state: 'failed', errorCode: 'PRINTER_TIMEOUT' })
  })
})

describe('holds, alarms and removal', () => {
  it('keep one hold and one alarm open per code and subject, and open them anew afterwards', async () => {
    const { database, unitOfWork, printer } = await openPrintingDatabase()
    await using _ = database
    const { printerId } = await printer()
    const reason = { code: 'SET_BY_PERSON', params: { note: null } } as const
    const subject = { subjectType: 'printer', subjectId: printerId } as const
    const alarm = { code: 'PRINTER_ERROR', severity: 'critical', params: {}, ...subject } as const
    for (let round = 0; round < 2; round += 1) {
      const opened = await Promise.all(
        [1, 2].map(() => unitOfWork.run(({ holds }) => holds.open({ printerId }, reason, null))),
      )
      expect(opened.toSorted()).toEqual([false, true])
      const raised = await Promise.all([1, 2].map(() => unitOfWork.run(({ alarms }) => alarms.raise(alarm))))
      expect(raised.filter((id) => id !== null)).toHaveLength(1)
      await unitOfWork.run(async (tx) => {
        expect(await tx.holds.release({ printerId }, ['PRINTER_LOST'], 'usr', tx.now)).toEqual([])
        expect(await tx.holds.release({ printerId }, 'all', 'usr', tx.now)).toEqual(['SET_BY_PERSON'])
        expect(await tx.alarms.clear('PRINTER_ERROR', subject, tx.now)).toHaveLength(1)
      })
    }
  })

  it('remove no printer that has a copy in hand', async () => {
    const { database, unitOfWork, reads, printer, job, claimed } = await openPrintingDatabase()
    await using _ = database
    const lease = await printer()
    await job()
    await claimed(lease)
    const remove = () => unitOfWork.run((tx) => tx.printers.remove(lease.printerId, tx.now))
    expect(await remove()).toBe(false)
    expect(await reads.printers.get(SYSTEM_ACTOR, lease.printerId)).not.toBeNull()
  })
})
