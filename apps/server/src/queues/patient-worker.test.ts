import { setTimeout as sleep } from 'node:timers/promises'

import pg from 'pg'
import { expect, it } from 'vitest'

import { openJobPlace } from '../testing/job-place.js'
import { createPostgresBackend } from './postgres-backend.js'

it('a worker that the database turns away while it opens asks now and then, and takes jobs when it may', async () => {
  await using place = await openJobPlace('postgres')
  const { url } = place.database
  let complaints = 0
  const log = { warn: () => void (complaints += 1) } as never
  const backend = createPostgresBackend({ url, log })
  await backend.start()
  const name = new URL(url).pathname.slice(1)
  const elsewhere = new URL(url)
  elsewhere.pathname = '/postgres'
  const admin = new pg.Client(elsewhere.href)
  await admin.connect()
  const letIn = (isLetIn: boolean) => admin.query(`ALTER DATABASE "${name}" ALLOW_CONNECTIONS ${String(isLetIn)}`)
  await letIn(false)
  await admin.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [name])

  const queue = backend.openQueue('turned-away')
  const seen: unknown[] = []
  const take = (job: { data: unknown }) => {
    seen.push(job.data)
    return Promise.resolve()
  }
  const worker = backend.openWorker('turned-away', take, { concurrency: 3, onFailed: () => undefined })
  const running = worker.run()
  await sleep(1_200)
  expect(complaints).toBeGreaterThan(0)
  expect(complaints).toBeLessThan(50)

  await letIn(true)
  await queue.add('x', { version: 1, payload: 7 })
  await expect.poll(() => seen).toEqual([{ version: 1, payload: 7 }])
  await worker.close()
  await running
  await queue.close()
  await backend.close()
  await admin.end()
})
