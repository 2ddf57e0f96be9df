import { afterAll, beforeAll, expect, it } from 'vitest'

import { metricsAggregation, userAnalytics } from '../../src/modules/statistics/statistics.jobs.js'
import { FIGURES } from '../../src/modules/statistics/statistics.ports.js'
import { repositoriesFor } from '../../src/db/repositories.js'
import { createUnitOfWork } from '../../src/db/unit-of-work.js'
import { startAppUnderTest, type AppUnderTest } from '../../src/testing/app-under-test.js'
import { silentHook } from '../../src/testing/open-database.js'

let app: AppUnderTest
beforeAll(async () => {
  app = await startAppUnderTest({ GANTRY_TIME_ZONE: 'Europe/Berlin' })
})
afterAll(() => app[Symbol.asyncDispose]())

const HOUR_MS = 3_600_000

/** Orders both roll-ups as a transaction of the server would. */
const rollUp = () =>
  createUnitOfWork({ prisma: app.prisma, repositoriesFor, hook: silentHook }).run(({ jobs }) => {
    jobs.add(metricsAggregation, { figures: [...FIGURES], hours: null })
    jobs.add(userAnalytics, { one: null })
    return Promise.resolve()
  })

const range = () => ({ from: new Date(Date.now() - 2 * HOUR_MS), to: new Date(Date.now() + HOUR_MS) })

it('calls are counted and shown to admins, over tRPC as over REST', { timeout: 60_000 }, async () => {
  const operator = await app.logInAs('operator')
  for (let n = 0; n < 3; n += 1) await operator.trpc.files.list.query({})
  const now = Date.now()
  const calls = async () => {
    await rollUp()
    const { items } = await app.admin.trpc.statistics.api.query({ ...range(), by: 'hour', eachProcedure: true })
    return items.filter(({ procedure }) => procedure === 'files.list').reduce((sum, item) => sum + item.calls, 0)
  }
  await expect.poll(calls, { timeout: 30_000, interval: 1_000 }).toBe(3)
  const query = `from=${new Date(now - 48 * HOUR_MS).toISOString()}&to=${new Date(now + HOUR_MS).toISOString()}`
  const { status, body } = await app.admin.rest('GET', `/api/statistics/api?${query}`)
  expect(status).toBe(200)
  expect(body).toMatchObject({ timeZone: 'Europe/Berlin', items: [{ procedure: null }] })
  await expect(operator.trpc.statistics.api.query(range())).rejects.toMatchObject({ data: { code: 'FORBIDDEN' } })
})

it('a range that is too long, or ends before it begins, is refused', async () => {
  const { from, to } = range()
  const refused = [
    { from: to, to: from },
    { from: new Date(0), to, by: 'hour' as const },
    { from: new Date(0), to, by: 'day' as const },
  ]
  for (const input of refused) {
    const asked = app.admin.trpc.statistics.prints.query(input)
    await expect(asked).rejects.toMatchObject({ data: { code: 'VALIDATION_FAILED' } })
  }
  expect(await app.admin.trpc.statistics.prints.query({ from, to })).toEqual({ timeZone: 'Europe/Berlin', items: [] })
  expect((await app.admin.trpc.statistics.printers.query({ from, to })).items).toEqual([])
  expect((await app.admin.trpc.statistics.filament.query({ from, to })).items).toEqual([])
})

it('logins are counted by user, until the user does not want it', { timeout: 60_000 }, async () => {
  const viewer = await app.logInAs('viewer')
  const { id: userId, analyticsOptOut } = await viewer.trpc.auth.me.query()
  expect(analyticsOptOut).toBe(false)
  const activity = async () => {
    await rollUp()
    const [from, to] = [new Date(Date.now() - 48 * HOUR_MS), new Date(Date.now() + 48 * HOUR_MS)]
    const days = { fromDay: from.toISOString().slice(0, 10), toDay: to.toISOString().slice(0, 10) }
    const { items } = await app.admin.trpc.statistics.userActivity.query({ userId, ...days })
    return items.map(({ event, count }) => [event, count])
  }
  await expect.poll(activity, { timeout: 30_000, interval: 500 }).toEqual([['session.started', 1]])
  expect(await viewer.trpc.auth.setAnalyticsOptOut.mutate({ optOut: true })).toMatchObject({ analyticsOptOut: true })
  expect(await activity()).toEqual([])
  const asked = viewer.trpc.statistics.userActivity.query({ userId, fromDay: '2026-01-01', toDay: '2026-01-02' })
  await expect(asked).rejects.toMatchObject({ data: { code: 'FORBIDDEN' } })
})
