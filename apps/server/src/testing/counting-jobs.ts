import { z } from 'zod'

import { defineJob, type JobDelivery, type JobOptions } from '../kernel/jobs.js'
import type { CreateJobsOptions } from '../queues/create-jobs.js'
import { startJobProcess, type JobPlace } from './job-place.js'
import type { OpenDatabase } from './open-database.js'

/** A job that knows its number. */
export const count = defineJob({
  type: 'TEST_COUNT',
  version: 1,
  payload: z.strictObject({ n: z.int() }),
  attempts: 3,
  backoff: { type: 'fixed', delay: 20 },
  timeoutMs: 5_000,
})

export type HandleCount = (delivery: JobDelivery<typeof count>) => Promise<void>

/** A process that orders and does jobs of {@link count}. */
export const createProcess = async (place: JobPlace, handle: HandleCount, options: Partial<CreateJobsOptions> = {}) => {
  const process = await startJobProcess(place, count, handle, options)
  const orderWith = (jobOptions: JobOptions, ...numbers: number[]) =>
    process.unitOfWork.run((tx) => Promise.resolve(numbers.map((n) => tx.jobs.add(count, { n }, jobOptions))))
  return { ...process, orderWith, order: (...numbers: number[]) => orderWith({}, ...numbers) }
}

export const rowsOf = (database: OpenDatabase) => database.prisma.outbox.findMany({ orderBy: { id: 'asc' } })
export const statesOf = async (database: OpenDatabase) => (await rowsOf(database)).map(({ state }) => state as string)
