import { expect, it } from 'vitest'

import { createTestDatabase } from '../testing/database.js'
import { PatientClient } from './bullmq-connection.js'

it('a connection that is cut between two queries ends its client, and not the process', async () => {
  const database = await createTestDatabase()
  const [cut, cutter] = [new PatientClient(database.url), new PatientClient(database.url)]
  await Promise.all([cut.connect(), cutter.connect()])
  try {
    const ended = new Promise<void>((resolve) => cut.once('end', resolve))
    const { rows } = await cut.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
    await cutter.query('SELECT pg_terminate_backend($1)', [rows[0]?.pid])
    await ended
    await expect(cut.query('SELECT 1')).rejects.toThrow()
  } finally {
    await cutter.end()
    await database.drop()
  }
})
