import { describe, expect, it } from 'vitest'

import { createEventLog } from '../../db/event-log.js'
import { repositoriesFor } from '../../db/repositories.js'
import { createOutbox } from '../../db/outbox.js'
import { createUnitOfWork } from '../../db/unit-of-work.js'
import { inRole, newId, onPrimary, listsOfPrimary, SYSTEM_ACTOR, type Actor } from '../../kernel/index.js'
import { openTestDatabase, settleTransactions, silentHook } from '../../testing/open-database.js'
import { recordingLogger } from '../../testing/recording-logger.js'
import { userAnalytics } from './statistics.jobs.js'
import { StatisticsService } from './statistics.service.js'
import { userAnalyticsHandler } from './user-analytics.handler.js'
import { UserAnalytics } from './user-analytics.js'

const BERLIN = 'Europe/Berlin'

const open = async () => {
  const database = await openTestDatabase({ poolSize: 8 })
  const { prisma } = database
  const unitOfWork = createUnitOfWork({ prisma, repositoriesFor, hook: silentHook })
  const log = recordingLogger()
  const events = createEventLog(prisma)
  const analytics = new UserAnalytics({ unitOfWork, events, timeZone: BERLIN, log })
  const { signal } = new AbortController()
  const user = async () => {
    const id = newId('user')
    const row = { id, email: `${id}@example.org`, displayName: 'x', passwordHash: 'x', role: 'viewer' as const }
    await prisma.user.create({ data: row })
    return id
  }
  const did = async (actorId: string, type: string, createdAt = new Date(), times = 1) => {
    const event = { type, subjectType: 'file', subjectId: 'fil_1', actorId, payload: {}, createdAt }
    await prisma.event.createMany({ data: Array.from({ length: times }, () => event) })
  }
  const counts = async () =>
    (await prisma.userActivityDay.findMany({ orderBy: [{ userId: 'asc' }, { day: 'asc' }, { event: 'asc' }] })).map(
      ({ userId, day, event, count }) => [userId, day, event, count],
    )
  const countNew = async () => {
    await settleTransactions(prisma)
    await analytics.countNew(signal)
  }
  return { database, prisma, unitOfWork, events, log, analytics, signal, user, did, counts, countNew }
}

const dayOf = (moment: Date) => new Intl.DateTimeFormat('sv-SE', { timeZone: BERLIN }).format(moment)

describe('what users did', () => {
  it('is counted by their day and by the kind of event, once however often it is looked at', async () => {
    const { database, user, did, counts, countNew } = await open()
    await using _ = database
    const [ada, bob] = [await user(), await user()]
    const beforeMidnight = new Date('2026-07-01T21:59:59Z')
    await did(ada, 'file.created', beforeMidnight, 2)
    await did(ada, 'file.created', new Date('2026-07-01T22:00:00Z'))
    await did(bob, 'session.started', beforeMidnight)
    await did('system', 'file.created')
    await did('usr_nobody', 'file.created')
    await countNew()
    await countNew()
    expect(await counts()).toEqual([
      [ada, '2026-07-01', 'file.created', 2],
      [ada, '2026-07-02', 'file.created', 1],
      [bob, '2026-07-01', 'session.started', 1],
    ])
    await did(ada, 'file.created', beforeMidnight)
    await countNew()
    expect((await counts())[0]).toEqual([ada, '2026-07-01', 'file.created', 3])
  })

  it('is counted once by several who count at once, over more than one batch', async () => {
    const { database, user, did, counts, countNew } = await open()
    await using _ = database
    const ada = await user()
    const now = new Date()
    await did(ada, 'file.created', now, 1_201)
    await Promise.all([countNew(), countNew(), countNew()])
    await countNew()
    expect(await counts()).toEqual([[ada, dayOf(now), 'file.created', 1_201]])
  })

  it('is neither lost nor doubled where a batch is cut off before its commit', async () => {
    const { database, unitOfWork, user, did, counts, countNew } = await open()
    await using _ = database
    const ada = await user()
    const now = new Date()
    await did(ada, 'file.created', now)
    const cut = unitOfWork.run(async ({ userActivity }) => {
      await userActivity.moveCursor(null, '9-9')
      await userActivity.add([{ userId: ada, event: 'file.created', at: now }], BERLIN)
      throw new Error('killed before the commit')
    })
    await expect(cut).rejects.toThrow('killed before the commit')
    await countNew()
    expect(await counts()).toEqual([[ada, dayOf(now), 'file.created', 1]])
  })

  it('of events that went meanwhile begins with those that are left, and says so', async () => {
    const { database, prisma, events, log, user, did, counts, countNew } = await open()
    await using _ = database
    const ada = await user()
    await did(ada, 'file.created', new Date(Date.now() - 30 * 3_600_000))
    await countNew()
    const [first] = await counts()
    await did(ada, 'file.removed', new Date(Date.now() - 29 * 3_600_000), 3)
    const now = new Date()
    await did(ada, 'project.created', now)
    await settleTransactions(prisma)
    await events.removeOlderThan(24)
    await countNew()
    expect(await counts()).toEqual([first, [ada, dayOf(now), 'project.created', 1]])
    expect(JSON.stringify(log)).toContain('events went before they were counted')
  })
})

describe('who opts out', () => {
  it('is not counted, and loses what was', async () => {
    const { database, unitOfWork, user, did, counts, countNew } = await open()
    await using _ = database
    const [ada, bob] = [await user(), await user()]
    const now = new Date()
    await did(ada, 'file.created', now)
    await did(bob, 'file.created', now)
    await countNew()
    await unitOfWork.run(({ users }) => users.setAnalyticsOptOut(ada, true))
    expect(await counts()).toEqual([[bob, dayOf(now), 'file.created', 1]])
    await did(ada, 'file.created', now)
    await countNew()
    expect(await counts()).toEqual([[bob, dayOf(now), 'file.created', 1]])
    await unitOfWork.run(({ users }) => users.setAnalyticsOptOut(ada, false))
    await did(ada, 'file.removed', now)
    await countNew()
    expect((await counts())[0]).toEqual([ada, dayOf(now), 'file.removed', 1])
  })

  it('while others count leaves nothing behind', async () => {
    const { database, unitOfWork, user, did, counts, countNew } = await open()
    await using _ = database
    for (let round = 0; round < 5; round += 1) {
      const ada = await user()
      await did(ada, 'file.created', new Date(), 20)
      await Promise.all([countNew(), unitOfWork.run(({ users }) => users.setAnalyticsOptOut(ada, true))])
      await countNew()
    }
    expect(await counts()).toEqual([])
  })
})

describe('the job', () => {
  it('of an older producer counts one event, once per job', async () => {
    const { database, prisma, unitOfWork, analytics, signal, user, counts } = await open()
    await using _ = database
    const ada = await user()
    const legacy = { userId: ada, event: 'project_viewed', metadata: { page: 1 } }
    const payload = userAnalytics.payload.parse(userAnalytics.earlier?.[1]?.(legacy))
    const jobId = await unitOfWork.run(({ jobs }) => Promise.resolve(jobs.add(userAnalytics, payload)))
    const handler = userAnalyticsHandler(analytics)
    const delivery = { jobId, payload, attempt: 1, attempts: 3, signal }
    await handler.handle(delivery)
    await handler.handle({ ...delivery, attempt: 2 })
    expect(await counts()).toEqual([[ada, dayOf(new Date()), 'project_viewed', 1]])
    expect(await createOutbox(prisma).isOpen(jobId)).toBe(false)
    await handler.handle({
      ...delivery,
      jobId: 'from elsewhere',
      payload: { one: { userId: 'usr_nobody', event: 'x' } },
    })
    expect(await counts()).toHaveLength(1)
  })
})

it('is shown to admins and to the user, and to nobody else', async () => {
  const { database, prisma, user, did, countNew } = await open()
  await using _ = database
  const ada = await user()
  const now = new Date()
  await did(ada, 'file.created', now)
  await countNew()
  const lists = listsOfPrimary(onPrimary(repositoriesFor(prisma)))
  const service = new StatisticsService({ lists, timeZone: BERLIN })
  const day = dayOf(now)
  const shown = async (actor: Partial<Actor>) => {
    const input = { userId: ada, fromDay: day, toDay: day }
    return (await service.userActivity({ ...SYSTEM_ACTOR, ...actor }, input)).items
  }
  const figures = [{ day, event: 'file.created', count: 1 }]
  expect(await shown({})).toEqual(figures)
  expect(await shown({ id: ada, ...inRole('viewer') })).toEqual(figures)
  expect(await shown({ id: 'usr_other', ...inRole('operator') })).toEqual([])
  expect(await shown({ scope: { printerGroups: ['grp_1'], projects: 'all' } })).toEqual([])
})
