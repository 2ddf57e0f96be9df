import { randomBytes, randomUUID } from 'node:crypto'

import { describe, expect, it } from 'vitest'

import { startAppUnderTest } from '../../src/testing/app-under-test.js'

const LIMIT = 20
const COLLECTORS = 'a token for collectors'
const key = (id = randomUUID()) => `gty_${id.replaceAll('-', '')}_${randomBytes(32).toString('base64url')}`

const start = () =>
  startAppUnderTest({ GANTRY_ROLES: 'api', RATE_LIMIT_PER_MINUTE: String(LIMIT), METRICS_TOKEN: COLLECTORS })

describe('wrong credentials', () => {
  it.each(['/metrics', '/health/detailed', '/api/openapi.json', '/api/metrics', '/api/printers'])(
    'are refused so many times by %s, and then not even looked at',
    async (path) => {
      await using app = await start()
      const ask = async (token: string) => {
        const { status } = await fetch(app.url + path, { headers: { Authorization: `Bearer ${token}` } })
        return status
      }
      const seen: number[] = []
      for (let n = 0; n < LIMIT + 10; n += 1) seen.push(await ask(key()))
      expect(new Set(seen)).toEqual(new Set([401, 429]))
      expect(seen.filter((status) => status === 401).length).toBeLessThanOrEqual(LIMIT)
      // The collectors' token is no better than another guess by then.
      expect(await ask(COLLECTORS)).toBe(429)
      const refused = app.logLines
        .map((line) => JSON.parse(line) as Record<string, unknown>)
        .filter(({ msg, status }) => msg === 'request' && status === 429)
      expect(refused.length).toBeGreaterThan(9)
      expect(refused.filter((line) => line['databaseOperations'] !== undefined)).toEqual([])
    },
  )
})
