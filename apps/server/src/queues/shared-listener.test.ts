import type pg from 'pg'
import { expect, it } from 'vitest'

import { createTestDatabase } from '../testing/database.js'
import { PatientClient, SharedListener } from './shared-listener.js'

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

it('one connection listens for all members, and when it is cut each of them hears of it and may come back', async () => {
  const database = await createTestDatabase()
  const { Client } = new SharedListener({ connectionString: database.url, application_name: 'shared' })
  type Member = pg.Client
  const open = async () => {
    const member = new Client() as unknown as Member
    const heard: string[] = []
    const errors: Error[] = []
    await member.connect()
    await member.query('LISTEN somewhere')
    member.on('error', (error) => errors.push(error))
    member.on('notification', ({ payload }) => heard.push(payload ?? ''))
    return { member, heard, errors }
  }
  const [one, two] = [await open(), await open()]
  const other = new PatientClient(database.url)
  await other.connect()
  const listening = async () => {
    const { rows } = await other.query<{ pid: number }>(
      "SELECT pid FROM pg_stat_activity WHERE application_name = 'shared'",
    )
    return rows
  }
  await other.query("NOTIFY somewhere, 'first'")
  await expect.poll(() => [one.heard, two.heard]).toEqual([['first'], ['first']])
  expect(await listening()).toHaveLength(1)

  await other.query('SELECT pg_terminate_backend($1)', [(await listening())[0]?.pid])
  await expect.poll(() => [one.errors.length, two.errors.length]).toEqual([1, 1])
  const again = await open()
  await other.query("NOTIFY somewhere, 'second'")
  await expect.poll(() => again.heard).toEqual(['second'])
  await again.member.end()
  await expect.poll(listening).toEqual([])
  await other.end()
  await database.drop()
})
