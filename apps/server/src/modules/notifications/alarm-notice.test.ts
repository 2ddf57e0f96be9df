import type { AlarmSeverity, UserRole } from '@gantry/schemas'
import { describe, expect, it } from 'vitest'

import { repositoriesFor } from '../../db/repositories.js'
import { createUnitOfWork } from '../../db/unit-of-work.js'
import { newId } from '../../kernel/index.js'
import { openTestDatabase, silentHook } from '../../testing/open-database.js'
import { raiseAlarm } from '../alarms/raise-alarm.js'
import { createAlarmNoticeHandler, type AlarmNoticeDeps } from './alarm-notice.handler.js'

const open = async () => {
  const database = await openTestDatabase()
  const { prisma } = database
  const unitOfWork = createUnitOfWork({ prisma, repositoriesFor, hook: silentHook })
  const user = (email: string, role: UserRole, disabledAt: Date | null = null) =>
    prisma.user.create({
      data: { id: newId('user'), email, role, disabledAt, displayName: email, passwordHash: 'x' },
    })
  const outbox = async (type: string) => {
    const rows = await prisma.outbox.findMany({ where: { type }, orderBy: { id: 'asc' } })
    return rows.map(({ id, state, payload }) => ({ id, state, payload: payload as Record<string, unknown> }))
  }
  /** Raises an alarm about a printer. @returns the notice that was ordered with it */
  const raised = async (severity: AlarmSeverity, printerId = newId('printer')) => {
    const about = { subjectType: 'printer', subjectId: printerId } as const
    await unitOfWork.run((tx) =>
      raiseAlarm(tx, { ...about, code: 'PRINTER_ERROR', severity, params: { printerId, detail: 'thermal runaway' } }),
    )
    const notice = (await outbox('ALARM_NOTICE')).at(-1)!
    const clear = () => unitOfWork.run((tx) => tx.alarms.clear('PRINTER_ERROR', about, tx.now))
    return { jobId: notice.id, alarmId: notice.payload['alarmId'] as string, clear }
  }
  const deliver = (
    { jobId, alarmId }: { jobId: string; alarmId: string },
    leastSeverity: AlarmNoticeDeps['leastSeverity'] = 'critical',
  ) =>
    createAlarmNoticeHandler({ unitOfWork, leastSeverity }).handle({
      ...{ jobId, payload: { alarmId }, attempt: 1, attempts: 8, signal: new AbortController().signal },
    })
  const mails = () => outbox('EMAIL_NOTIFICATION')
  return {
    ...{ prisma, unitOfWork, user, outbox, raised, deliver, mails },
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  }
}

describe('an alarm that is raised', () => {
  it('is mailed to each admin and to nobody else, once', async () => {
    await using bench = await open()
    await bench.user('ada@example.org', 'admin')
    await bench.user('bob@example.org', 'admin')
    await bench.user('gone@example.org', 'admin', new Date())
    await bench.user('olga@example.org', 'operator')
    await bench.user('vera@example.org', 'viewer')
    const notice = await bench.raised('critical')
    await Promise.all([bench.deliver(notice), bench.deliver(notice)])
    await bench.deliver(notice)
    const mails = await bench.mails()
    expect(mails.map(({ payload }) => payload['to']).toSorted()).toEqual(['ada@example.org', 'bob@example.org'])
    const key = `alarm:${notice.alarmId}`
    const data = { alarmId: notice.alarmId, code: 'PRINTER_ERROR', severity: 'critical' }
    expect(mails.map(({ payload }) => payload)).toMatchObject(
      [1, 2].map(() => ({ key, content: { template: 'alarm-raised', data } })),
    )
    expect((await bench.outbox('ALARM_NOTICE')).map(({ state }) => state)).toEqual(['done'])
  })

  it('is mailed to no admin of a part, nor to who is invited', async () => {
    await using bench = await open()
    const { prisma } = bench
    const [whole, part, invited] = await Promise.all(
      ['whole', 'part', 'invited'].map((name) => bench.user(`${name}@example.org`, 'admin')),
    )
    const lists = { printerGroupIds: [], locationIds: [], projectIds: [], allProjects: true }
    await prisma.userScope.create({ data: { ...lists, userId: whole!.id, allPrinters: true } })
    await prisma.userScope.create({ data: { ...lists, userId: part!.id, allPrinters: false } })
    await prisma.user.update({ where: { id: invited!.id }, data: { passwordHash: null } })
    await bench.deliver(await bench.raised('critical'))
    expect((await bench.mails()).map(({ payload }) => payload['to'])).toEqual(['whole@example.org'])
    const { users } = repositoriesFor(prisma)
    expect(await users.adminAddresses()).toEqual(['whole@example.org'])
  })

  it('orders its notice in the same transaction, and none while it is open already', async () => {
    await using bench = await open()
    const printerId = newId('printer')
    const failed = bench.unitOfWork.run(async (tx) => {
      const about = { subjectType: 'printer', subjectId: printerId } as const
      await raiseAlarm(tx, { ...about, code: 'PRINTER_ERROR', severity: 'critical', params: {} })
      throw new Error('rolled back')
    })
    await expect(failed).rejects.toThrow('rolled back')
    expect(await bench.outbox('ALARM_NOTICE')).toEqual([])
    await bench.raised('critical', printerId)
    await bench.raised('critical', printerId)
    expect(await bench.outbox('ALARM_NOTICE')).toHaveLength(1)
    expect(await bench.prisma.event.count({ where: { type: 'alarm.raised' } })).toBe(1)
  })

  it.each([
    ['none', []],
    ['info', ['info', 'warning', 'critical']],
    ['warning', ['warning', 'critical']],
    ['critical', ['critical']],
  ] as const)('is mailed as ALARM_MAIL_SEVERITY=%s says', async (least, expected) => {
    await using bench = await open()
    await bench.user('ada@example.org', 'admin')
    for (const severity of ['info', 'warning', 'critical'] as const)
      await bench.deliver(await bench.raised(severity), least)
    const mailed = (await bench.mails()).map(({ payload }) => payload['content'] as { data: { severity: string } })
    expect(mailed.map(({ data }) => data.severity)).toEqual(expected)
    expect((await bench.outbox('ALARM_NOTICE')).map(({ state }) => state)).toEqual(['done', 'done', 'done'])
  })

  it('and cleared before its notice went out is mailed if it was critical', async () => {
    await using bench = await open()
    await bench.user('ada@example.org', 'admin')
    for (const severity of ['warning', 'critical'] as const) {
      const notice = await bench.raised(severity)
      await notice.clear()
      await bench.deliver(notice, 'info')
    }
    expect(await bench.mails()).toMatchObject([{ payload: { content: { data: { severity: 'critical' } } } }])
  })
})
