import pg from 'pg'
import { describe, expect, it, vi } from 'vitest'

import { newId, SYSTEM_ACTOR } from '../kernel/index.js'
import { openPrintingDatabase } from '../testing/printing-database.js'

describe('leases', () => {
  const open = async () => {
    const rows = await openPrintingDatabase()
    const { unitOfWork } = rows
    const acquire = (owner: string, limit = 10, except: string[] = []) =>
      unitOfWork.run(({ fleet }) => fleet.acquire(owner, limit, except, 60))
    const renew = (owner: string, held: string[]) => unitOfWork.run(({ fleet }) => fleet.renew(owner, held, [], 60))
    const retire = (owner: string, held: string[], limit = 10) =>
      unitOfWork.run(({ fleet }) => fleet.retire(owner, held, limit))
    return { ...rows, acquire, renew, retire }
  }

  it('belong to one owner until they end, by the database’s clock, and then to whoever comes first', async () => {
    const { database, prisma, printer, acquire, renew } = await open()
    await using _ = database
    const { printerId, epoch } = await printer({}, 'ins_a')
    expect(await acquire('ins_b')).toEqual([])
    expect(await renew('ins_b', [printerId])).toEqual([])
    expect(await renew('ins_a', [printerId])).toEqual([{ printerId, epoch }])
    await prisma.$executeRaw`UPDATE printer_runtime SET lease_until = now()`
    expect(await renew('ins_a', [printerId])).toEqual([])
    const both = await Promise.all([acquire('ins_b'), acquire('ins_c')])
    expect(both.flat()).toEqual([{ printerId, epoch: epoch + 1 }])
  })

  it('are given back at once, and taken up to the limit and no further', async () => {
    const { database, unitOfWork, printer, acquire } = await open()
    await using _ = database
    const leases = [await printer({}, 'ins_a'), await printer({}, 'ins_a'), await printer({}, 'ins_a')]
    const [kept] = leases.map(({ printerId }) => printerId)
    await unitOfWork.run(({ fleet }) => fleet.releaseAllBut('ins_a', [kept ?? '']))
    const has: string[] = []
    const take = async (limit: number) => {
      const grants = await acquire('ins_b', limit, has)
      has.push(...grants.map(({ printerId }) => printerId))
      return grants
    }
    expect(await take(1)).toHaveLength(1)
    expect(await take(5)).toHaveLength(1)
    await unitOfWork.run(({ fleet }) => fleet.release('ins_a', [kept ?? '']))
    expect(await take(5)).toEqual([{ printerId: kept, epoch: 2 }])
  })

  it('that an owner has without knowing of it are taken up anew, under another epoch', async () => {
    const { database, printer, acquire } = await open()
    await using _ = database
    const known = await printer({}, 'ins_a')
    const { printerId, epoch } = await printer({}, 'ins_a')
    expect(await acquire('ins_a', 5, [known.printerId])).toEqual([{ printerId, epoch: epoch + 1 }])
  })

  it('can be retired where no copy is on its way, idle printers first, and let nothing be claimed from then on', async () => {
    const { database, printer, job, claim, claimed, retire, unitOfWork, prisma } = await open()
    await using _ = database
    const [printing, uploading, idle] = [
      await printer({}, 'ins_a'),
      await printer({}, 'ins_a'),
      await printer({}, 'ins_a'),
    ]
    await job({ copies: 9 })
    const running = await claimed(printing)
    await unitOfWork.run(({ attempts }) => attempts.update(running, { state: 'printing' }))
    await claimed(uploading)
    const held = [printing, uploading, idle].map(({ printerId }) => printerId)
    expect(await retire('ins_b', held)).toEqual([])
    expect(await retire('ins_a', held, 1)).toEqual([idle.printerId])
    expect(await claim(idle)).toEqual({ kind: 'not_free' })
    expect(await retire('ins_a', [printing.printerId, uploading.printerId])).toEqual([printing.printerId])
    expect(await prisma.printerRuntime.count({ where: { leaseOwner: 'ins_a' } })).toBe(3)
  })

  it('never have a printer retired and claimed at once', async () => {
    const { database, printer, job, claim, retire } = await open()
    await using _ = database
    await job({ copies: 50 })
    for (let round = 0; round < 10; round += 1) {
      const lease = await printer({}, 'ins_a')
      const [result, retired] = await Promise.all([claim(lease), retire('ins_a', [lease.printerId])])
      expect(retired).toHaveLength(result.kind === 'claimed' ? 0 : 1)
    }
  })

  it('count instances only while they live, and the printers that nobody drives', async () => {
    const { database, prisma, unitOfWork, printer } = await open()
    await using _ = database
    await printer({}, 'ins_a')
    const { printerId } = await printer({}, 'ins_a')
    await unitOfWork.run(async ({ fleet }) => {
      await fleet.announce('ins_a', 5, 60)
      await fleet.announce('ins_b', 7, 60)
      await fleet.announce('ins_a', 6, 60)
    })
    const situation = () => unitOfWork.run(({ fleet }) => fleet.situation())
    const { capacities, ...counts } = await situation()
    expect(capacities.toSorted()).toEqual([6, 7])
    expect(counts).toEqual({ printers: 2, free: 0 })
    await prisma.$executeRaw`UPDATE fleet_instance SET alive_until = now() WHERE id = 'ins_a'`
    await prisma.$executeRaw`UPDATE printer_runtime SET lease_until = now() WHERE printer_id = ${printerId}`
    expect(await situation()).toEqual({ printers: 2, free: 1, capacities: [7] })
    await unitOfWork.run(({ fleet }) => fleet.leave('ins_b'))
    expect((await situation()).capacities).toEqual([])
  })

  it('are needed to write a printer’s state', async () => {
    const { database, unitOfWork, printer } = await openPrintingDatabase()
    await using _ = database
    const { printerId } = await printer({}, 'ins_a')
    const { printerId: other } = await printer({}, 'ins_a')
    const save = (owner: string, ...states: string[]) =>
      unitOfWork.run((tx) => {
        const said = [printerId, other]
          .slice(0, states.length)
          .map((id, n) => ({ printerId: id, state: states[n] ?? '' }))
        return tx.fleet.saveStates(owner, said, tx.now)
      })
    expect(await save('ins_b', 'idle', 'idle')).toEqual([])
    expect(await save('ins_a', 'idle')).toEqual([{ printerId, from: 'offline', to: 'idle' }])
    expect(await save('ins_a', 'idle', 'idle')).toEqual([{ printerId: other, from: 'offline', to: 'idle' }])
    expect(await save('ins_a', 'idle', 'idle')).toEqual([])
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
    return { ...rows, printerId, order, take }
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
    await prisma.$executeRaw`UPDATE printer_command SET deadline_at = now() - interval '1 minute'`
    expect(await unitOfWork.run(({ commands }) => commands.expire())).toMatchObject([{ id, state: 'failed' }])
    expect(await unitOfWork.run(({ commands }) => commands.finish(id, 'ins_a', { state: 'done' }))).toBe(false)
    expect(await reads.commands.get(SYSTEM_ACTOR, id)).toMatchObject({ state: 'failed', errorCode: 'PRINTER_TIMEOUT' })
  })

  it('tell who takes them how much time is left, and go back to others until then', async () => {
    const { database, printerId, leaseTo, unitOfWork, order, take } = await open()
    await using _ = database
    const id = await order(10)
    const [taken] = await take('ins_a')
    expect(taken?.leftMs).toBeGreaterThan(0)
    expect(taken?.leftMs).toBeLessThanOrEqual(10_000)
    await leaseTo('ins_b', printerId)
    await unitOfWork.run(({ commands }) => commands.putBack(id, 'ins_c'))
    expect(await take('ins_b')).toEqual([])
    await unitOfWork.run(({ commands }) => commands.putBack(id, 'ins_a'))
    expect(await take('ins_b')).toMatchObject([{ id }])
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

  it('send no statement for a fleet of none', async () => {
    const { database, reads } = await openPrintingDatabase()
    await using _ = database
    const statements = vi.spyOn(pg.Client.prototype, 'query')
    expect(await reads.printers.getMany([])).toEqual(new Map())
    expect(statements).not.toHaveBeenCalled()
    statements.mockRestore()
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
