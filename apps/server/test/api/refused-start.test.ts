import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { Redis } from 'ioredis'
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest'

import { startRedisServer } from '../../processes/redis-server.js'
import { createTestDatabase } from '../../src/testing/database.js'
import { closedPort, startBlackHole } from '../../src/testing/odd-servers.js'
import { ServerProcesses } from './server-process.js'

let dataDir: string
let servers: ServerProcesses

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'gantry-refused-'))
  servers = new ServerProcesses(dataDir)
})
afterEach(async () => {
  await servers.killAll()
  await rm(dataDir, { recursive: true, force: true })
})

const SECRET = 'hunter2'

/** What stands on the terminal of a server that must not start. */
const refusal = async (settings: Record<string, string>): Promise<string> => {
  const server = servers.start({ DB_TIMEOUT_MS: '1000', LOG_LEVEL: 'debug', ...settings })
  expect(await server.over).toBe(1)
  return server.terminal()
}

/** The address of the tests' own database with something wrong about it. */
const wrong = (change: (url: URL) => void): string => {
  const url = new URL(inject('postgresUrl'))
  url.password = SECRET
  change(url)
  return url.href
}

const portOf = (server: string) => new URL(server).port
const rightPassword = () => new URL(inject('postgresUrl')).password

/** One sentence, the setting to look at, and nothing of the password, in no log line and no stack either. */
const expectSentence = (terminal: string, sentence: RegExp, ...secrets: string[]) => {
  const told = terminal.split('\n').filter((line) => line.startsWith('Gantry gave up: '))
  expect(told).toEqual([expect.stringMatching(sentence)])
  expect(told[0]).toMatch(/DATABASE_URL/)
  expect(terminal).not.toMatch(/\n\s+at /)
  for (const secret of [SECRET, ...secrets]) expect(terminal).not.toContain(secret)
}

describe('a server whose database cannot be reached gives up with a sentence', () => {
  it('when nothing listens there', async () => {
    const port = portOf(await closedPort())
    const terminal = await refusal({ DATABASE_URL: wrong((url) => (url.port = port)) })
    expectSentence(terminal, new RegExp(`127\\.0\\.0\\.1:${port} cannot be reached \\(connect ECONNREFUSED`))
  })

  it('when no host has that name', async () => {
    const terminal = await refusal({ DATABASE_URL: wrong((url) => (url.hostname = 'database.invalid')) })
    // A machine without a name server may also wait for one in vain.
    expectSentence(terminal, /database\.invalid:\d+ (cannot be reached \(getaddrinfo|does not answer in time)/)
  })

  it('when the port takes connections and never says a word', async () => {
    await using hole = await startBlackHole()
    const terminal = await refusal({ DATABASE_URL: wrong((url) => (url.port = portOf(hole.url))) })
    expectSentence(terminal, /does not answer in time: .*DB_TIMEOUT_MS/)
  })

  it('when the password is wrong', async () => {
    const terminal = await refusal({ DATABASE_URL: wrong(() => undefined) })
    expectSentence(terminal, /refuses the user \w+ or its password/, rightPassword())
  })

  it('when the database does not exist', async () => {
    const url = wrong((right) => {
      right.password = rightPassword()
      right.pathname = '/nowhere'
    })
    expectSentence(await refusal({ DATABASE_URL: url }), /has no database nowhere/, rightPassword())
  })
})

it('a server whose Redis would evict its queues gives up with a sentence that tells what to set', async () => {
  await using redis = await startRedisServer()
  const client = new Redis(redis.url)
  await client.config('SET', 'maxmemory-policy', 'allkeys-lru')
  client.disconnect()
  const database = await createTestDatabase()
  const terminal = await refusal({ REDIS_URL: redis.url, DATABASE_URL: database.url })
  await database.drop()
  const told = terminal.split('\n').filter((line) => line.startsWith('Gantry gave up: '))
  expect(told).toEqual([expect.stringMatching(/REDIS_URL: .*allkeys-lru.*maxmemory-policy noeviction/)])
  expect(terminal).not.toMatch(/\n\s+at /)
})

describe('a server with a malformed address gives up without showing it', () => {
  it.each([
    ['DATABASE_URL', `postgresql://gantry:9/${SECRET}@127.0.0.1/gantry`],
    ['DATABASE_URL', `postgresql://gantry:${SECRET}%zz@127.0.0.1/gantry`],
    ['REDIS_URL', `redis://gantry:9#${SECRET}@127.0.0.1`],
  ])('%s=%s', async (name, url) => {
    const terminal = await refusal({ [name]: url })
    expect(terminal).toMatch(
      new RegExp(`^Gantry gave up: The settings are wrong:\n  ${name} must be a URL such as .*\n$`),
    )
    expect(terminal).not.toContain(SECRET)
  })
})
