import { Queue } from 'bullmq'
import { expect, it } from 'vitest'

import { startAppUnderTest } from '../../src/testing/app-under-test.js'
import { startMailServer } from '../../src/testing/mail-server.js'
import { openTestRedis } from '../../src/testing/redis.js'

const SOON = { timeout: 30_000, interval: 100 }

/** Without versions, as they were before Gantry: docs/reference/existing-clients.md. */
const jobsOf = (userId: string): [queue: string, payload: object][] => [
  ['cleanup-tokens', {}],
  ['email-notification', { to: 'ada@example.org', subject: 'Old news', template: 'welcome', data: { name: 'Ada' } }],
  ['data-export', { userId, exportType: 'projects', format: 'json' }],
  ['metrics-aggregation', { timeRange: '24h', metrics: ['requests', 'errors'] }],
  ['cache-warmup', { cacheKeys: ['projects:all'], dataSource: 'database' }],
  ['user-analytics', { userId, event: 'login', metadata: { from: 'web' } }],
]

it('what older producers put into BullMQ queues is done, whatever of it', async () => {
  await using redis = openTestRedis()
  await using mails = await startMailServer()
  await using app = await startAppUnderTest({
    ...{ GANTRY_ROLES: 'api,worker', REDIS_URL: redis.url, REDIS_PREFIX: redis.prefix },
    ...{ LEGACY_QUEUE_PREFIX: `${redis.prefix}-old`, SMTP_URL: mails.url },
  })
  const { id: userId } = await app.admin.trpc.auth.me.query()
  // What recurs of the same types would stand among them, and so would the warm-up that follows every start.
  await app.prisma.jobSchedule.updateMany({ data: { pausedAt: new Date() } })
  await expect.poll(() => app.prisma.outbox.count({ where: { type: 'CACHE_WARMUP' } }), SOON).toBe(1)
  await expect.poll(() => app.prisma.outbox.count({ where: { state: { not: 'done' } } }), SOON).toBe(0)
  await app.prisma.outbox.deleteMany()

  for (const [name, payload] of jobsOf(userId)) {
    const queue = new Queue(name, { connection: { url: redis.url }, prefix: `${redis.prefix}-old` })
    await queue.add('job', payload, { attempts: 3, backoff: { type: 'exponential', delay: 2_000 } })
    await queue.close()
  }

  const taken = async () => (await app.prisma.outbox.findMany()).map(({ type, state }) => `${type} ${state}`).sort()
  await expect.poll(taken, SOON).toEqual([
    ...['CACHE_WARMUP done', 'CLEANUP_TOKENS done', 'DATA_EXPORT done'],
    // Its own, and that the export is ready.
    ...['EMAIL_NOTIFICATION done', 'EMAIL_NOTIFICATION done', 'METRICS_AGGREGATION done', 'USER_ANALYTICS done'],
  ])
  expect(mails.mails.filter(({ parsed }) => parsed.subject === 'Old news')).toHaveLength(1)
  const { items } = await app.admin.trpc.exports.list.query({})
  expect(items).toMatchObject([{ kind: 'projects', format: 'json', state: 'ready' }])
}, 120_000)
