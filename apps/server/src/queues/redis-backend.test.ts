import { Redis } from 'ioredis'
import { expect, it } from 'vitest'

import { freePort } from '../../processes/free-port.js'
import { startRedisServer } from '../../processes/redis-server.js'
import { systemClock } from '../kernel/clock.js'
import { RareLog } from '../kernel/rare-log.js'
import { count, createProcess, statesOf } from '../testing/counting-jobs.js'
import { openJobPlace } from '../testing/job-place.js'
import { recordingLogger } from '../testing/recording-logger.js'
import { createRedisBackend, EvictingRedisError } from './redis-backend.js'

const backendOn = (port: number) =>
  createRedisBackend({
    url: `redis://127.0.0.1:${port}`,
    prefix: 'test',
    log: new RareLog(recordingLogger(), systemClock),
  })

it('a Redis that evicts keys is refused', async () => {
  await using redis = await startRedisServer()
  const client = new Redis(redis.url)
  await client.config('SET', 'maxmemory-policy', 'volatile-lru')
  client.disconnect()
  const backend = backendOn(redis.port)
  await expect(backend.start()).rejects.toThrow(EvictingRedisError)
  await backend.close()
})

it('without a Redis a process starts, and what was ordered is done when there is one', async () => {
  await using place = await openJobPlace('postgres')
  const port = await freePort()
  const seen: number[] = []
  await using process = await createProcess(
    place,
    ({ payload }) => {
      seen.push(payload.n)
      return Promise.resolve()
    },
    { backend: backendOn(port) },
  )
  await process.order(1, 2)
  await expect(process.jobs.wake(count, { n: 3 })).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  // Taken and put back, again and again.
  expect(await statesOf(place.database)).not.toContain('done')
  await using _redis = await startRedisServer({ port })
  await expect.poll(() => [...seen].sort(), { timeout: 15_000 }).toEqual([1, 2])
})

it('a Redis that is wiped while jobs wait in it loses none that was ordered', async () => {
  await using redis = await startRedisServer()
  await using place = await openJobPlace('postgres')
  const seen: number[] = []
  await place.database.prisma.jobQueue.create({ data: { name: 'test-count', pausedAt: new Date() } })
  const client = new Redis(redis.url)
  await using process = await createProcess(
    place,
    ({ payload }) => {
      seen.push(payload.n)
      return Promise.resolve()
    },
    { backend: backendOn(redis.port), lateMs: -4_500 },
  )
  await place.database.prisma.jobQueue.deleteMany()
  await process.order(...Array.from({ length: 20 }, (_, n) => n))
  await client.flushall()
  await expect.poll(() => new Set(seen).size, { timeout: 20_000 }).toBe(20)
  client.disconnect()
})

it('a process stops in good time although its Redis is gone, and leaves what it had for others', async () => {
  await using redis = await startRedisServer()
  await using place = await openJobPlace('postgres')
  let running = false
  const process = await createProcess(
    place,
    ({ signal }) => {
      running = true
      return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('told to'))))
    },
    { backend: backendOn(redis.port), finishMs: 100, graceMs: 100 },
  )
  await process.order(1)
  await expect.poll(() => running).toBe(true)
  await redis.stop()
  await process.jobs.stop()
  expect(await statesOf(place.database)).toEqual(['pending'])
})
