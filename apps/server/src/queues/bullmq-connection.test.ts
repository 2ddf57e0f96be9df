import type pg from 'pg'
import { expect, it } from 'vitest'

import { createTestDatabase } from '../testing/database.js'
import { recordingLogger } from '../testing/recording-logger.js'
import { createWorker, PatientClient } from './bullmq-connection.js'

/** Ends the connection from outside. @returns when the client has heard of it */
const cut = async (client: pg.Client, url: string): Promise<void> => {
  const ended = new Promise<void>((resolve) => client.once('end', resolve))
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
  const cutter = new PatientClient(url)
  await cutter.connect()
  await cutter.query('SELECT pg_terminate_backend($1)', [rows[0]?.pid])
  await cutter.end()
  await ended
}

it('a connection that is cut between two queries ends its client, and not the process', async () => {
  const database = await createTestDatabase()
  const client = new PatientClient(database.url)
  await client.connect()
  await cut(client, database.url)
  await expect(client.query('SELECT 1')).rejects.toThrow()
  await database.drop()
})

it('so does the one by which a worker listens, when BullMQ does not hear it yet or any more', async () => {
  const database = await createTestDatabase()
  const { url } = database
  const worker = createWorker({ url, concurrency: 1, log: recordingLogger() }, () => Promise.resolve())
  const { connection } = (worker as unknown as { backend: { connection: { getListenClient(): Promise<pg.Client> } } })
    .backend
  const client = await connection.getListenClient()
  client.removeAllListeners('error')
  await cut(client, url)
  await expect(client.query('SELECT 1')).rejects.toThrow()
  await worker.close()
  await database.drop()
})
