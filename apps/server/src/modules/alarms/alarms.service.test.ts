import { describe, expect, it } from 'vitest'

import { PrismaAlarmRepository } from '../../db/alarms.repository.js'
import { createEventLog } from '../../db/event-log.js'
import type { Prisma } from '../../db/generated/client.js'
import { createUnitOfWork } from '../../db/unit-of-work.js'
import { followEvents } from '../../events/follow-events.js'
import { createPostgresBus } from '../../events/postgres-bus.js'
import { inRole, listsOfPrimary, newId, onPrimary, type Actor } from '../../kernel/index.js'
import { openTestDatabase } from '../../testing/open-database.js'
import { AlarmsService, type AlarmStreamItem } from './alarms.service.js'

const repositoriesFor = (tx: Prisma.TransactionClient) => ({ alarms: new PrismaAlarmRepository(tx) })

const ada: Actor = {
  kind: 'user',
  id: newId('user'),
  ...inRole('operator'),
  sessionId: null,
  apiKeyId: null,
  scope: { printerGroups: 'all', projects: 'all' },
}

const open = async () => {
  const database = await openTestDatabase({ poolSize: 8 })
  const { prisma, url, log } = database
  const eventLog = createEventLog(prisma)
  const bus = createPostgresBus({ url, eventLog, log, sweepMs: 100 })
  await bus.start()
  const unitOfWork = createUnitOfWork({ prisma, repositoriesFor, hook: bus })
  const reads = onPrimary(repositoriesFor(prisma))
  const alarms = new AlarmsService({
    ...{ unitOfWork, reads, lists: listsOfPrimary(reads) },
    follow: (cursor, signal) => followEvents(bus, eventLog, cursor, signal),
  })
  return {
    prisma,
    alarms,
    raise: (printerId: string) =>
      unitOfWork.run(async (tx) => {
        const about = { subjectType: 'printer' as const, subjectId: printerId }
        const params = { printerId, detail: 'no answer' }
        const alarmId = await tx.alarms.raise({ ...about, code: 'PRINTER_LOST', severity: 'critical', params })
        if (alarmId === null) throw new Error('it is raised already')
        const payload = { alarmId, code: 'PRINTER_LOST' as const }
        tx.record({ type: 'alarm.raised', subjectType: 'alarm', subjectId: alarmId, payload }, 'system')
        return alarmId
      }),
    /** Something that is no alarm. */
    noise: () =>
      unitOfWork.run((tx) => {
        tx.record({ type: 'file.removed', subjectType: 'file', subjectId: 'f', payload: { fileId: 'f' } }, 'system')
        return Promise.resolve()
      }),
    [Symbol.asyncDispose]: async () => {
      await bus.stop()
      await database[Symbol.asyncDispose]()
    },
  }
}

const watching = ({ alarms }: Awaited<ReturnType<typeof open>>, cursor: string | null, actor = ada) => {
  const abort = new AbortController()
  const items = alarms.watch(actor, cursor, abort.signal)
  const next = async (): Promise<AlarmStreamItem> => {
    const step = await items.next()
    if (step.done === true) throw new Error('the stream ended')
    return step.value
  }
  return {
    next,
    stop: async () => {
      abort.abort()
      await items.return()
    },
  }
}

const openOnly = { open: true, limit: 10, cursor: null }

describe('an alarm', () => {
  it('is acknowledged once, stays open, and can no longer be acknowledged when it is cleared', async () => {
    await using bench = await open()
    const { alarms, prisma, raise } = bench
    const id = await raise('prn_1')
    const seen = await alarms.acknowledge(ada, id)
    expect(seen).toMatchObject({ id, text: 'The printer was lost while it printed (no answer).', clearedAt: null })
    expect(seen.acknowledgedAt).toBeInstanceOf(Date)
    expect(await alarms.acknowledge(ada, id)).toEqual(seen)
    expect((await alarms.list(ada, openOnly)).items).toEqual([seen])
    const cleared = await alarms.clear(ada, id)
    expect(cleared.clearedAt).toBeInstanceOf(Date)
    expect(await alarms.clear(ada, id)).toEqual(cleared)
    await expect(alarms.acknowledge(ada, id)).rejects.toMatchObject({ code: 'INVALID_STATE' })
    expect((await alarms.list(ada, openOnly)).items).toEqual([])
    expect((await alarms.list(ada, { ...openOnly, open: false })).items).toEqual([cleared])
    const events = await prisma.event.findMany({ orderBy: { seq: 'asc' } })
    expect(events.map(({ type }) => type)).toEqual(['alarm.raised', 'alarm.acknowledged', 'alarm.cleared'])
    expect(await raise('prn_1')).not.toBe(id)
  })

  it('that is unknown or out of scope is not found', async () => {
    await using bench = await open()
    const { alarms, raise } = bench
    const id = await raise('prn_1')
    const stranger: Actor = { ...ada, scope: { printerGroups: [], projects: 'all' } }
    for (const [actor, alarmId] of [
      [ada, newId('alarm')],
      [stranger, id],
    ] as const) {
      await expect(alarms.acknowledge(actor, alarmId)).rejects.toMatchObject({ code: 'NOT_FOUND' })
      await expect(alarms.clear(actor, alarmId)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    }
    expect((await alarms.list(ada, openOnly)).items).toHaveLength(1)
  })
})

describe('the stream of alarms', () => {
  it('begins with the open alarms, and then shows each change', async () => {
    await using bench = await open()
    const { alarms, raise, noise } = bench
    const [one, two] = [await raise('prn_1'), await raise('prn_2')]
    await alarms.clear(ada, one)
    const { next, stop } = watching(bench, null)
    const { data } = await next()
    expect(data).toMatchObject({ type: 'snapshot', resync: false, alarms: [{ id: two }] })
    await noise()
    const three = await raise('prn_3')
    // The snapshot may also hold what came just before it; that is then said twice, and never not at all.
    for (;;) {
      const item = await next()
      if (item.data.type === 'changed' && item.data.alarm.id === three) break
    }
    await alarms.acknowledge(ada, three)
    const changed = await next()
    expect(changed.data).toMatchObject({
      type: 'changed',
      alarm: { id: three, acknowledgedAt: expect.any(Date) as Date },
    })
    await stop()
  })

  it('resumes behind the last cursor with exactly what came meanwhile', async () => {
    await using bench = await open()
    const { raise, noise } = bench
    const first = watching(bench, null)
    await first.next()
    const one = await raise('prn_1')
    const item = await first.next()
    expect(item.data).toMatchObject({ type: 'changed', alarm: { id: one } })
    await first.stop()
    await noise()
    const meanwhile = [await raise('prn_2'), await raise('prn_3')]
    const second = watching(bench, item.cursor)
    const ids: string[] = []
    const take = async () => {
      const { data } = await second.next()
      ids.push(data.type === 'changed' ? data.alarm.id : data.type)
    }
    await take()
    await take()
    const last = await raise('prn_4')
    await take()
    expect(ids).toEqual([...meanwhile, last])
    await second.stop()
  })

  it('begins again with a snapshot that says so when the cursor is too old or nonsense', async () => {
    await using bench = await open()
    const id = await bench.raise('prn_1')
    for (const cursor of ['nonsense', '999999999999-1']) {
      const { next, stop } = watching(bench, cursor)
      expect((await next()).data).toMatchObject({ type: 'snapshot', resync: true, alarms: [{ id }] })
      await stop()
    }
  })

  it('shows nothing of alarms that the actor may not see', async () => {
    await using bench = await open()
    const { alarms, prisma, raise } = bench
    const group = { id: newId('printerGroup'), name: 'Lab' }
    await prisma.printerGroup.create({ data: group })
    const printerId = newId('printer')
    await prisma.printer.create({
      data: { id: printerId, name: 'One', kind: 'octoprint', url: 'http://192.0.2.1', groupId: group.id },
    })
    const actor: Actor = { ...ada, scope: { printerGroups: [group.id], projects: 'all' } }
    const { next, stop } = watching(bench, null, actor)
    expect((await next()).data).toEqual({ type: 'snapshot', resync: false, alarms: [] })
    await raise('prn_of_others')
    const mine = await raise(printerId)
    expect((await next()).data).toMatchObject({ type: 'changed', alarm: { id: mine } })
    expect((await alarms.list(actor, openOnly)).items).toHaveLength(1)
    await stop()
  })
})
