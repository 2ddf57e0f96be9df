import { inject, describe, expect, it } from 'vitest'

import { startLatePostgres } from '../../testing/odd-servers.js'
import { recordingLogger } from '../../testing/recording-logger.js'
import { reachDatabase } from './connection.js'

const through = (server: { url: string }): string => {
  const url = new URL(inject('postgresUrl'))
  url.port = new URL(server.url).port
  return url.href
}

describe('a database that is starting up', () => {
  it('is waited for, and the log says so once', async () => {
    await using server = await startLatePostgres(new URL(inject('postgresUrl')), 2)
    const log = recordingLogger()
    await reachDatabase({ databaseUrl: through(server), timeoutMs: 10_000, log })
    expect(server.asked()).toBe(3)
    expect(log.lines.map(({ message }) => message)).toEqual(['the database is starting up and is waited for'])
  })

  it('is given up when that takes too long', async () => {
    await using server = await startLatePostgres(new URL(inject('postgresUrl')), 1_000)
    const log = recordingLogger()
    const reaching = reachDatabase({ databaseUrl: through(server), timeoutMs: 10_000, startingUpMs: 1_000, log })
    await expect(reaching).rejects.toMatchObject({
      code: 'database_unreachable',
      message: expect.stringMatching(/the database system is starting up.*DATABASE_URL/) as string,
    })
    expect(server.asked()).toBeGreaterThan(1)
  })
})
