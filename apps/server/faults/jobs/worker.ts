/** One worker process of the experiments on jobs: does what comes, until it is told to stop or killed. */
import { setTimeout as sleep } from 'node:timers/promises'

import type { JobDelivery } from '../../src/kernel/jobs.js'
import { createLogger } from '../../src/observability/logger.js'
import { openTrialDatabase, openTrialJobs } from './open-jobs.js'
import { TrialBook } from './trial-book.js'
import type { trialJob, WorkerOrder } from './trial-job.js'

/** Longer than the lock of a running job, and than it takes until others have looked whose locks have run out. */
const BLOCK_MS = 17_000

const log = createLogger({ level: 'info', destination: process.stderr })
const order = JSON.parse(process.argv[2] ?? '') as WorkerOrder
const database = openTrialDatabase(order.databaseUrl, log)
const book = new TrialBook(database.prisma)

const blockEventLoop = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, BLOCK_MS)

type Delivery = JobDelivery<ReturnType<typeof trialJob>>

const work = async ({ payload: { way, ms }, attempt, signal }: Delivery, isFirstRun: boolean): Promise<void> => {
  if (way === 'fails-once' && attempt === 1) throw new Error('the first attempt fails')
  if (way === 'blocks' && isFirstRun) blockEventLoop()
  if (way === 'stubborn' && isFirstRun) await new Promise(() => undefined)
  await sleep(ms, undefined, { signal })
}

const handle = async (delivery: Delivery): Promise<void> => {
  const { jobId, payload } = delivery
  const { id, before } = await book.began(jobId)
  try {
    await work(delivery, before === 0)
    await database.unitOfWork.run(async (tx) => {
      if (await tx.finishJob(jobId)) await tx.book.done(payload.n, jobId)
    })
  } finally {
    // While the database is away the run counts as cut off, which it is.
    await book.ended(id).catch(() => undefined)
  }
}

const jobs = openTrialJobs(database, order, handle, log)
process.on('SIGTERM', () => {
  void jobs.stop().then(() => process.exit(0))
})
await jobs.start()
process.stdout.write('working\n')
