import { expect, it } from 'vitest'

import { openPrintingDatabase } from '../../testing/printing-database.js'
import { recordingLogger } from '../../testing/recording-logger.js'
import { metricsAggregationHandler } from './metrics-aggregation.handler.js'
import { RollUp } from './roll-up.js'
import { metricsAggregation } from './statistics.jobs.js'

const today = (legacy: unknown) => metricsAggregation.payload.parse(metricsAggregation.earlier?.[1]?.(legacy))

it('what older producers say of time means hours, and what cannot be understood means since the last time', () => {
  const hoursOf = (timeRange: unknown) => today({ timeRange, metrics: [] }).hours
  expect(['24h', '7d', 'day', 'last_week', '2 hours', '9999d'].map(hoursOf)).toEqual([24, 168, 24, 168, 2, 1_488])
  expect([undefined, 5, '', 'soon', '0h', { start: 1 }].map(hoursOf)).toEqual([null, null, null, null, null, null])
})

it.each([null, 'text', {}, { metrics: 'prints' }, { metrics: [1, null] }])('%j asks for no figure', (legacy) => {
  expect(today(legacy)).toEqual({ figures: [], hours: null })
})

it('rolls up the figures that it knows, and says which it does not', async () => {
  const { database, prisma, unitOfWork } = await openPrintingDatabase()
  await using _ = database
  const log = recordingLogger()
  const handler = metricsAggregationHandler(new RollUp({ unitOfWork, timeZone: 'UTC', log }), log)
  const payload = today({ timeRange: '24h', metrics: ['prints', 'cpu', 'api'] })
  const { signal } = new AbortController()
  await handler.handle({ jobId: '17', payload, attempt: 1, attempts: 3, signal })
  const rolled = await prisma.statisticsCursor.findMany({ orderBy: { name: 'asc' }, select: { name: true } })
  expect(rolled).toEqual([{ name: 'api' }, { name: 'prints' }])
  expect(log.lines.filter(({ level }) => level === 'warn')).toMatchObject([{ fields: { unknown: ['cpu'] } }])
})
