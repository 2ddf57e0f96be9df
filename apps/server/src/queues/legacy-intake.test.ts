import { Queue } from 'bullmq'
import { expect, it } from 'vitest'
import { z } from 'zod'

import { createOutbox } from '../db/outbox.js'
import { systemClock } from '../kernel/clock.js'
import { defineJob, type JobDelivery } from '../kernel/jobs.js'
import { RareLog } from '../kernel/rare-log.js'
import { rowsOf, statesOf } from '../testing/counting-jobs.js'
import { openJobPlace, startJobProcess } from '../testing/job-place.js'
import { recordingLogger } from '../testing/recording-logger.js'
import { openTestRedis } from '../testing/redis.js'
import { LegacyIntake } from './legacy-intake.js'
import { createRedisBackend } from './redis-backend.js'

const dataExport = defineJob({
  type: 'DATA_EXPORT',
  version: 2,
  payload: z.strictObject({ of: z.string(), format: z.enum(['json', 'csv']) }),
  earlier: {
    1: (payload) => {
      const { userId, format } = z.object({ userId: z.string(), format: z.unknown() }).parse(payload)
      return { of: userId, format }
    },
  },
  attempts: 3,
  timeoutMs: 5_000,
})

const open = async () => {
  const place = await openJobPlace('redis')
  const redis = openTestRedis()
  const seen: unknown[] = []
  const process = await startJobProcess(place, dataExport, ({ payload, attempts }: JobDelivery<typeof dataExport>) => {
    seen.push({ ...payload, attempts })
    return Promise.resolve()
  })
  const log = recordingLogger()
  const startIntake = async () => {
    const backend = createRedisBackend({ url: redis.url, prefix: redis.prefix, log: new RareLog(log, systemClock) })
    const outbox = createOutbox(place.database.prisma)
    const { unitOfWork } = process
    const intake = new LegacyIntake({ backend, definitions: [dataExport], unitOfWork, outbox, log })
    await intake.start()
    return intake
  }
  // As an older producer does it: BullMQ's own class, nothing of Gantry's.
  const producer = new Queue('data-export', { connection: { url: redis.url }, prefix: redis.prefix })
  const close = async () => {
    await producer.close()
    await process.jobs.stop()
    await redis[Symbol.asyncDispose]()
    await place[Symbol.asyncDispose]()
  }
  return { place, seen, producer, startIntake, [Symbol.asyncDispose]: close }
}

it('jobs of older producers become orders of today and are done, with the attempts they ask for', async () => {
  await using house = await open()
  const { place, seen, producer } = house
  await producer.add('export', { userId: 'usr_1', exportType: 'full', format: 'json' })
  const intake = await house.startIntake()
  await producer.add(
    'anything',
    { userId: 'usr_2', format: 'csv' },
    { attempts: 7, backoff: { type: 'exponential', delay: 2_000 }, priority: 3 },
  )
  await producer.add('export', { version: 2, of: 'usr_3', format: 'csv' })
  await expect.poll(() => statesOf(place.database)).toEqual(['done', 'done', 'done'])
  expect(seen).toHaveLength(3)
  expect(seen).toEqual(
    expect.arrayContaining([
      { of: 'usr_1', format: 'json', attempts: 3 },
      { of: 'usr_2', format: 'csv', attempts: 7 },
      { of: 'usr_3', format: 'csv', attempts: 3 },
    ]),
  )
  expect(await producer.getJobCounts('waiting', 'active', 'failed', 'completed')).toEqual({
    ...{ waiting: 0, active: 0, failed: 0, completed: 0 },
  })
  await intake.stop()
})

it('what cannot be read is kept as dead, and the queue moves on', async () => {
  await using house = await open()
  const { place, seen, producer } = house
  const intake = await house.startIntake()
  for (const data of [{ nobody: 1 }, 'text', [1], null, { userId: 'usr_1', format: 'pdf' }])
    await producer.add('x', data)
  await producer.add('x', { userId: 'usr_9', format: 'csv' })
  await expect
    .poll(async () => (await statesOf(place.database)).sort())
    .toEqual([...['dead', 'dead', 'dead', 'dead', 'dead', 'done']])
  expect(seen).toHaveLength(1)
  expect((await rowsOf(place.database)).filter(({ lastError }) => lastError?.startsWith('payload: '))).toHaveLength(5)
  await intake.stop()
})

it('one that is delivered twice is ordered once', async () => {
  await using house = await open()
  const { place, seen, producer } = house
  const timestamp = Date.now() - 1_000
  const again = () => producer.add('x', { userId: 'usr_1', format: 'csv' }, { jobId: 'export-of-usr-1', timestamp })
  const intake = await house.startIntake()
  await again()
  await expect.poll(() => statesOf(place.database)).toEqual(['done'])
  await again()
  await expect.poll(() => producer.getJobCounts('waiting', 'active')).toEqual({ waiting: 0, active: 0 })
  expect(seen).toHaveLength(1)
  await intake.stop()
})
