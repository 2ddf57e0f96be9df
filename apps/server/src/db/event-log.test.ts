import { setTimeout as sleep } from 'node:timers/promises'

import { describe, expect, it } from 'vitest'

import type { EventCursor, EventLog, StoredEvent } from '../kernel/events.js'
import type { TransactionContext, UnitOfWork } from '../kernel/unit-of-work.port.js'
import { openTestDatabase, settleTransactions, silentHook } from '../testing/open-database.js'
import { createEventLog } from './event-log.js'
import { createUnitOfWork } from './unit-of-work.js'

const open = async (poolSize = 6) => {
  const database = await openTestDatabase({ poolSize })
  const { prisma } = database
  const unitOfWork = createUnitOfWork({ prisma, repositoriesFor: (tx) => ({ tx }), hook: silentHook })
  return { database, prisma, unitOfWork, log: createEventLog(prisma) }
}

const recordFile = (to: Pick<TransactionContext, 'record'>, fileId: string) =>
  to.record({ type: 'file.removed', subjectType: 'file', subjectId: fileId, payload: { fileId } }, 'system')

const recordAlone = (unitOfWork: UnitOfWork<object>, fileId: string) =>
  unitOfWork.run((to) => {
    recordFile(to, fileId)
    return Promise.resolve()
  })

const subjects = (events: StoredEvent[]) => events.map((event) => event.subjectId)

/** A reader that remembers what it saw, as clients do. */
const follow = (log: EventLog, cursor: EventCursor) => {
  const seen: string[] = []
  let at = cursor
  const read = async (limit = 100) => {
    const batch = await log.readAfter(at, limit)
    if (batch === 'resync') throw new Error('unexpected resync')
    at = batch.next
    seen.push(...subjects(batch.events))
    return batch
  }
  return { seen, read }
}

interface Gate {
  open: () => void
  passed: Promise<void>
}

const gate = (): Gate => {
  let open: Gate['open'] = () => undefined
  const passed = new Promise<void>((resolve) => {
    open = resolve
  })
  return { open, passed }
}

describe('two overlapping transactions', () => {
  const overlap = async (firstToCommit: 'older' | 'younger') => {
    const { database, unitOfWork, log } = await open()
    const reader = follow(log, await log.head())
    const mayCommit = { older: gate(), younger: gate() }
    const wrote = { older: gate(), younger: gate() }
    const start = (name: 'older' | 'younger') =>
      unitOfWork.run(async (to) => {
        // The transaction's id is given at its first write.
        await to.tx.$executeRaw`select pg_current_xact_id()`
        recordFile(to, `${name}-1`)
        recordFile(to, `${name}-2`)
        wrote[name].open()
        await mayCommit[name].passed
      })
    const older = start('older')
    await wrote.older.passed
    const younger = start('younger')
    await wrote.younger.passed
    await reader.read()

    const [first, second] = firstToCommit === 'older' ? [older, younger] : [younger, older]
    mayCommit[firstToCommit].open()
    await first
    let between = await reader.read()
    // Transactions of other tests on the same server may hide it for a moment; here our own younger one may not.
    while (firstToCommit === 'older' && between.events.length === 0) between = await reader.read()
    mayCommit[firstToCommit === 'older' ? 'younger' : 'older'].open()
    await second
    await settleTransactions(database.prisma)
    await reader.read()
    await reader.read()
    return { database, seen: reader.seen, between }
  }

  it('are each read once when the one that began first commits last', async () => {
    const { database, seen, between } = await overlap('younger')
    await using _closing = database
    expect(between).toMatchObject({ events: [], more: true })
    expect(seen).toEqual(['older-1', 'older-2', 'younger-1', 'younger-2'])
  })

  it('are each read once when they commit in the order in which they began', async () => {
    const { database, seen, between } = await overlap('older')
    await using _closing = database
    expect(subjects(between.events)).toEqual(['older-1', 'older-2'])
    expect(seen).toEqual(['older-1', 'older-2', 'younger-1', 'younger-2'])
  })
})

it('shows every event once to every reader while twenty writers commit in any order', async () => {
  const { database, unitOfWork, log } = await open(24)
  await using _closing = database
  const start = await log.head()
  let writing = true
  const read = async (limit: number) => {
    const reader = follow(log, start)
    let idle = 0
    while (writing || idle < 2) {
      const batch = await reader.read(limit)
      idle = batch.events.length === 0 && !batch.more ? idle + 1 : 0
      await sleep(Math.random() * 4)
    }
    return reader.seen
  }
  const readers = [1, 7, 100].map(read)

  const write = async (writer: number) => {
    const written: string[] = []
    for (let round = 0; round < 8; round += 1) {
      const ids = [0, 1, 2].map((n) => `${writer}.${round}.${n}`)
      const dropped = Math.random() < 0.2
      const ended = unitOfWork.run(async (to) => {
        await to.tx.$executeRaw`select pg_current_xact_id()`
        for (const id of ids) recordFile(to, id)
        await sleep(Math.random() * 15)
        if (dropped) throw new Error('dropped')
      })
      if (dropped) await expect(ended).rejects.toThrow('dropped')
      else await ended
      if (!dropped) written.push(...ids)
    }
    return written
  }
  const written = (await Promise.all(Array.from({ length: 20 }, (_, writer) => write(writer)))).flat()
  await settleTransactions(database.prisma)
  writing = false
  for (const seen of await Promise.all(readers)) {
    expect(new Set(seen).size).toBe(seen.length)
    expect([...seen].sort()).toEqual([...written].sort())
  }
})

it('gives an event back as it was recorded', async () => {
  const { database, unitOfWork, log } = await open()
  await using _closing = database
  const start = await log.head()
  await unitOfWork.run((to) => {
    const subject = { subjectType: 'printer', subjectId: 'prn_1' }
    const payload = { printerId: 'prn_1', from: 'idle', to: 'printing' }
    to.record({ type: 'printer.state_changed', ...subject, payload, printerGroupId: 'grp_1' }, 'system')
    return Promise.resolve()
  })
  await settleTransactions(database.prisma)
  expect(await log.readAfter(start, 10)).toMatchObject({
    events: [
      {
        type: 'printer.state_changed',
        subjectType: 'printer',
        subjectId: 'prn_1',
        printerGroupId: 'grp_1',
        projectId: null,
        payload: { printerId: 'prn_1', from: 'idle', to: 'printing' },
        createdAt: expect.any(Date) as Date,
      },
    ],
    more: false,
  })
})

describe('a cursor', () => {
  it('that is none, or that was never given out, gets resync', async () => {
    const { database, log } = await open()
    await using _closing = database
    const bad = ['', '1', 'a-b', '1-2-3', '-1-0', '99999999999-0', `${'9'.repeat(30)}-0`, "1-0'; drop table event"]
    for (const cursor of bad) expect(await log.readAfter(cursor, 10)).toBe('resync')
  })

  it('older than what is kept gets resync, a younger one goes on', async () => {
    const { database, prisma, unitOfWork, log } = await open()
    await using _closing = database
    const record = async (id: string) => {
      await recordAlone(unitOfWork, id)
      await settleTransactions(prisma)
      return log.head()
    }
    const beginning = await log.head()
    await record('old-1')
    const betweenOld = await log.readAfter(beginning, 1)
    await record('old-2')
    await prisma.$executeRaw`update event set created_at = now() - interval '25 hours'`
    await settleTransactions(prisma)
    const afterOld = await log.head()
    await record('young')

    expect(await log.removeOlderThan(24)).toBe(1)
    expect(await log.removeOlderThan(24)).toBe(0)
    expect(await log.readAfter(beginning, 10)).toBe('resync')
    expect(await log.readAfter((betweenOld as { next: string }).next, 10)).toBe('resync')
    const goesOn = await log.readAfter(afterOld, 10)
    expect(goesOn).not.toBe('resync')
    expect(subjects((goesOn as { events: StoredEvent[] }).events)).toEqual(['young'])

    await prisma.$executeRaw`update event set created_at = now() - interval '25 hours'`
    await settleTransactions(prisma)
    expect(await log.removeOlderThan(24)).toBe(1)
    expect(await prisma.event.count()).toBe(1)
    expect(await log.readAfter(afterOld, 10)).toBe('resync')
    expect(await log.readAfter(await log.head(), 10)).toMatchObject({ events: [] })
  })

  it('of a durable reader keeps what it has not read, for so much longer', async () => {
    const { database, prisma, unitOfWork, log } = await open()
    await using _closing = database
    await prisma.eventReader.deleteMany()
    for (const fileId of ['read', 'unread', 'unread too']) await recordAlone(unitOfWork, fileId)
    await settleTransactions(prisma)
    const [first] = ((await log.readAfter('0-0', 10)) as { events: StoredEvent[] }).events
    await prisma.eventReader.createMany({
      data: [
        { name: 'slow', cursor: first?.cursor ?? '' },
        { name: 'quick', cursor: await log.head() },
      ],
    })
    await prisma.$executeRaw`update event set created_at = now() - interval '25 hours'`
    await settleTransactions(prisma)
    await log.removeOlderThan(24, 48)
    const left = await log.readAfter(first?.cursor ?? '', 10)
    expect(subjects((left as { events: StoredEvent[] }).events)).toEqual(['unread', 'unread too'])
    await prisma.$executeRaw`update event set created_at = now() - interval '49 hours'`
    await settleTransactions(prisma)
    await log.removeOlderThan(24, 48)
    expect(await log.readAfter(first?.cursor ?? '', 10)).toBe('resync')
  })

  it('before a great many removed events gets resync too', async () => {
    const { database, prisma, log } = await open()
    await using _closing = database
    await prisma.$executeRaw`
      insert into event (type, subject_type, subject_id, payload, created_at)
      select 'file.removed', 'file', n::text, '{}', now() - interval '25 hours' from generate_series(1, 45000) n`
    await settleTransactions(prisma)
    const before = await log.head()
    await prisma.$executeRaw`
      insert into event (type, subject_type, subject_id, payload) values ('file.removed', 'file', 'young', '{}')`
    await settleTransactions(prisma)
    expect(await log.removeOlderThan(24)).toBe(44_999)
    expect(await log.readAfter('0-0', 10)).toBe('resync')
    expect(subjects(((await log.readAfter(before, 10)) as { events: StoredEvent[] }).events)).toEqual(['young'])
  })

  it('in a table that never lost anything is good from the very beginning', async () => {
    const { database, prisma, unitOfWork, log } = await open()
    await using _closing = database
    await recordAlone(unitOfWork, 'a')
    await settleTransactions(prisma)
    expect(await log.removeOlderThan(24)).toBe(0)
    expect(subjects(((await log.readAfter('0-0', 10)) as { events: StoredEvent[] }).events)).toEqual(['a'])
  })
})
