import { setTimeout as sleep } from 'node:timers/promises'

import { describe, expect, it } from 'vitest'

import { newId } from '../../kernel/index.js'
import { settleTransactions } from '../../testing/open-database.js'
import { admin, fileRemoved, openWebhookBench, type WebhookBench } from './testing/webhook-bench.js'

const URL = 'http://127.0.0.1:9/hook'

/** In the order of the events; their deliveries are made at one moment. */
const subjectsOf = async ({ prisma }: WebhookBench, webhookId: string) => {
  const rows = await prisma.webhookDelivery.findMany({ where: { webhookId } })
  const messages = rows.map(({ body }) => JSON.parse(body) as { id: string; subject: { id: string } })
  const seqOf = ({ id }: { id: string }) => Number(id.split('-')[1])
  return messages.toSorted((a, b) => seqOf(a) - seqOf(b)).map(({ subject }) => subject.id)
}

const ordersIn = ({ prisma }: WebhookBench) => prisma.outbox.count({ where: { type: 'WEBHOOK_DELIVERY' } })

describe('an event', () => {
  it('becomes one delivery for each webhook that wants it, with its own facts and no more', async () => {
    await using bench = await openWebhookBench()
    const all = await bench.create(URL)
    const some = await bench.create(URL, { eventTypes: ['file.removed', 'project.created'] })
    const others = await bench.create(URL, { eventTypes: ['project.created'] })
    await bench.record(fileRemoved('fil_1'))
    await bench.record({ type: 'project.deleted', subjectType: 'project', subjectId: 'p', payload: { projectId: 'p' } })
    await bench.fanOutAll()
    await bench.fanOutAll()
    expect(await subjectsOf(bench, all.id)).toEqual(['fil_1', 'p'])
    expect(await subjectsOf(bench, some.id)).toEqual(['fil_1'])
    expect(await subjectsOf(bench, others.id)).toEqual([])
    expect(await ordersIn(bench)).toBe(3)
    const [delivery] = await bench.deliveriesOf(some.id)
    expect(delivery).toMatchObject({ state: 'pending', attempts: 0, eventType: 'file.removed' })
    expect(delivery?.payload).toEqual({
      id: expect.stringMatching(/^\d+-\d+$/) as string,
      type: 'file.removed',
      createdAt: expect.stringMatching(/Z$/) as string,
      subject: { type: 'file', id: 'fil_1' },
      data: { fileId: 'fil_1' },
    })
  })

  it('of sessions, caches and webhooks themselves is for nobody outside', async () => {
    await using bench = await openWebhookBench()
    const { id } = await bench.create(URL)
    await bench.record({
      ...{ type: 'session.ended', subjectType: 'session', subjectId: 's' },
      payload: { sessionId: 's', userId: 'u' },
    })
    await bench.webhooks.update(admin, { id, description: 'x' })
    await bench.fanOutAll()
    expect(await subjectsOf(bench, id)).toEqual([])
  })

  it('from before the webhook was made, or while it was off, is not for it', async () => {
    await using bench = await openWebhookBench()
    await bench.record(fileRemoved('before'))
    const { id } = await bench.create(URL)
    await bench.record(fileRemoved('while on'))
    await bench.fanOutAll()
    await bench.webhooks.update(admin, { id, enabled: false })
    await bench.record(fileRemoved('while off'))
    await bench.webhooks.update(admin, { id, enabled: true })
    await bench.record(fileRemoved('on again'))
    await bench.fanOutAll()
    expect(await subjectsOf(bench, id)).toEqual(['while on', 'on again'])
    expect((await bench.deliveriesOf(id)).map(({ state }) => state)).toEqual(['failed', 'pending'])
  })

  it('about an alarm reaches those to whom it is severe enough', async () => {
    await using bench = await openWebhookBench()
    const any = await bench.create(URL)
    const critical = await bench.create(URL, { minSeverity: 'critical' })
    const raise = async (severity: 'warning' | 'critical') => {
      const alarm = { id: newId('alarm'), code: 'PRINTER_LOST', subjectType: 'printer', subjectId: severity, severity }
      await bench.prisma.alarm.create({ data: { ...alarm, params: {} } })
      const payload = { alarmId: alarm.id, code: 'PRINTER_LOST' as const }
      await bench.record({ type: 'alarm.raised', subjectType: 'alarm', subjectId: alarm.id, payload })
      return alarm.id
    }
    const [mild, grave] = [await raise('warning'), await raise('critical')]
    await bench.fanOutAll()
    expect(await subjectsOf(bench, any.id)).toEqual([mild, grave])
    expect(await subjectsOf(bench, critical.id)).toEqual([grave])
  })
})

describe('handing events on', () => {
  it('loses none of two overlapping transactions, whichever commits first', async () => {
    await using bench = await openWebhookBench()
    const { id } = await bench.create(URL)
    const reader = bench.openReader()
    reader.start()
    let commitOlder: () => void = () => undefined
    const mayCommit = new Promise<void>((resolve) => (commitOlder = resolve))
    let wrote: () => void = () => undefined
    const hasWritten = new Promise<void>((resolve) => (wrote = resolve))
    const older = bench.unitOfWork.run(async (tx) => {
      // The transaction's id is given at its first write.
      await tx.webhooks.noteFailure(id, tx.now)
      tx.record(fileRemoved('older'), 'system')
      wrote()
      await mayCommit
    })
    await hasWritten
    await bench.record(fileRemoved('younger'))
    reader.poke()
    await sleep(50)
    commitOlder()
    await older
    await expect.poll(() => subjectsOf(bench, id)).toHaveLength(2)
    expect((await subjectsOf(bench, id)).toSorted()).toEqual(['older', 'younger'])
  })

  it('happens once for each event while four read in small bites and ten write', { timeout: 90_000 }, async () => {
    await using bench = await openWebhookBench()
    const { id } = await bench.create(URL)
    const readers = [5, 7, 11, 13].map((batch) => bench.openReader(batch))
    for (const reader of readers) reader.start()
    const names = Array.from({ length: 100 }, (_, n) => `fil_${n}`)
    await Promise.all(
      Array.from({ length: 10 }, async (_, writer) => {
        for (const name of names.filter((_name, n) => n % 10 === writer)) {
          await bench.record(fileRemoved(name))
          for (const reader of readers) reader.poke()
        }
      }),
    )
    await settleTransactions(bench.prisma)
    await expect.poll(() => ordersIn(bench), { timeout: 60_000 }).toBe(names.length)
    expect((await subjectsOf(bench, id)).toSorted()).toEqual(names.toSorted())
    expect(bench.log.lines.filter(({ level }) => level === 'error')).toEqual([])
  })

  it('goes on where it stood when a process dies in the midst of it', async () => {
    await using bench = await openWebhookBench()
    const { id } = await bench.create(URL)
    await bench.record(fileRemoved('fil_1'))
    await settleTransactions(bench.prisma)
    // What it would order cannot be written: the cursor stays.
    await bench.prisma.$executeRaw`alter table outbox rename to outbox_away`
    await bench.fanOutAll()
    await bench.prisma.$executeRaw`alter table outbox_away rename to outbox`
    expect(await subjectsOf(bench, id)).toEqual([])
    await bench.fanOutAll()
    expect(await subjectsOf(bench, id)).toEqual(['fil_1'])
    expect(await ordersIn(bench)).toBe(1)
  })

  it('says loudly that events were removed unread, and goes on behind them', async () => {
    await using bench = await openWebhookBench()
    const { id } = await bench.create(URL)
    await bench.prisma.eventReader.update({ where: { name: 'webhooks' }, data: { cursor: '9999999999999-0' } })
    await bench.fanOutAll()
    expect(bench.log.lines).toMatchObject([
      { level: 'error', message: expect.stringContaining('lost to it') as string },
    ])
    await bench.record(fileRemoved('afterwards'))
    await bench.fanOutAll()
    expect(await subjectsOf(bench, id)).toEqual(['afterwards'])
  })
})
