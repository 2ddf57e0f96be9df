import { expect, it } from 'vitest'

import { createEventLog } from '../db/event-log.js'
import { removeExpiredIdempotencyKeys } from '../db/idempotency.js'
import { createOutbox } from '../db/outbox.js'
import { openTestDatabase, settleTransactions } from '../testing/open-database.js'
import { recordingLogger } from '../testing/recording-logger.js'
import { createCleanupRecordsHandler } from './cleanup-records.jobs.js'

const HOUR_MS = 3_600_000

it('removes what is past its time and keeps the rest', async () => {
  await using database = await openTestDatabase()
  const { prisma } = database
  const hoursAgo = (hours: number) => new Date(Date.now() - hours * HOUR_MS)
  const event = { type: 'file.removed', subjectType: 'file', payload: {} }
  for (const [subjectId, hours] of Object.entries({ a: 30, b: 26, c: 23 })) {
    await prisma.event.create({ data: { ...event, subjectId, createdAt: hoursAgo(hours) } })
  }
  const key = { actorId: 'usr_1', procedure: 'p', inputHash: 'h' }
  await prisma.idempotencyKey.create({ data: { ...key, key: 'old', expiresAt: hoursAgo(1) } })
  await prisma.idempotencyKey.create({ data: { ...key, key: 'new', expiresAt: hoursAgo(-1) } })
  const job = { type: 't', payload: {} }
  await prisma.outbox.create({ data: { ...job, id: 'old done', state: 'done', finishedAt: hoursAgo(25) } })
  await prisma.outbox.create({ data: { ...job, id: 'new done', state: 'done', finishedAt: hoursAgo(23) } })
  await prisma.outbox.create({ data: { ...job, id: 'old dead', state: 'dead', finishedAt: hoursAgo(31 * 24) } })
  await prisma.outbox.create({ data: { ...job, id: 'new dead', state: 'dead', finishedAt: hoursAgo(29 * 24) } })
  await prisma.outbox.create({ data: { ...job, id: 'old pending', createdAt: hoursAgo(999) } })

  await settleTransactions(prisma)
  const eventLog = createEventLog(prisma)
  const outbox = createOutbox(prisma)
  const handler = createCleanupRecordsHandler(
    [
      { what: 'nothing', remove: () => Promise.reject(new Error('keeps no other from its turn')) },
      { what: 'events', remove: () => eventLog.removeOlderThan(24) },
      { what: 'idempotency keys', remove: () => removeExpiredIdempotencyKeys(prisma) },
      { what: 'jobs', remove: () => outbox.removeFinished({ doneDays: 1, deadDays: 30 }) },
    ],
    recordingLogger(),
  )
  const { signal } = new AbortController()
  const cleaned = handler.handle({ jobId: 'ob_1', payload: {}, attempt: 1, attempts: 2, signal })
  await expect(cleaned).rejects.toThrow('1 clearings failed')

  // One of the two old events stays as the mark that something is missing, and is never read again.
  expect(await prisma.event.count()).toBe(2)
  expect(await eventLog.readAfter('0-0', 10)).toBe('resync')
  expect((await prisma.idempotencyKey.findMany()).map((row) => row.key)).toEqual(['new'])
  const left = await prisma.outbox.findMany({ select: { id: true }, orderBy: { id: 'asc' } })
  expect(left.map((row) => row.id)).toEqual(['new dead', 'new done', 'old pending'])
})
