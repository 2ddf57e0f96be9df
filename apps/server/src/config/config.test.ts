import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { describe, expect, it } from 'vitest'

import { configFrom, ConfigError } from './config.js'
import { readEnvFile } from './env-file.js'

const fails = (environment: Record<string, string>): string => {
  try {
    configFrom(environment, '/srv')
  } catch (error) {
    if (error instanceof ConfigError) return error.message
    throw error
  }
  throw new Error('the settings were accepted')
}

const [STRONG, OTHER] = [randomBytes(32), randomBytes(32)]

describe('the configuration', () => {
  it('has a default for everything', () => {
    const config = configFrom({}, '/srv')
    expect(config.http).toMatchObject({ host: '127.0.0.1', port: 3000, publicUrl: null, corsOrigins: [] })
    expect(config.dataDir).toBe('/srv/.gantry')
    expect(config.database.url).toBeNull()
    expect(config.roles).toEqual(['api', 'worker', 'fleet'])
    expect(config.printers.allowedCidrs).toEqual(['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'])
  })

  it('turns texts into booleans, numbers, lists and bytes', () => {
    const config = configFrom(
      {
        PORT: '8080',
        ENABLE_METRICS: 'off',
        CORS_ORIGINS: 'https://a.example, http://localhost:5173/',
        TRUSTED_PROXIES: 'loopback, 10.0.0.7,fd00::/64',
        GANTRY_ROLES: 'fleet,api',
        GANTRY_SECRET_KEY: STRONG.toString('base64'),
        GANTRY_SECRET_KEY_PREVIOUS: `${Buffer.alloc(32, 7).toString('base64')}, ${OTHER.toString('base64')}`,
        GANTRY_TIME_ZONE: 'Europe/Berlin',
      },
      '/srv',
    )
    expect(config.http.port).toBe(8080)
    expect(config.metrics.enabled).toBe(false)
    expect(config.http.corsOrigins).toEqual(['https://a.example', 'http://localhost:5173'])
    expect(config.http.trustedProxies).toEqual(['loopback', '10.0.0.7', 'fd00::/64'])
    expect(config.roles).toEqual(['api', 'fleet'])
    expect(config.auth.secretKey).toEqual(new Uint8Array(STRONG))
    expect(config.auth.previousSecretKeys).toEqual([new Uint8Array(32).fill(7), new Uint8Array(OTHER)])
    expect(config.timeZone).toBe('Europe/Berlin')
  })

  it.each(['redis://localhost', 'redis://:secret@cache:6380/2', 'rediss://user:secret@cache.example.org:6379'])(
    'takes %s for a Redis',
    (url) => {
      expect(configFrom({ REDIS_URL: url }, '/srv').cache.redis).toEqual({ url, prefix: 'gantry' })
    },
  )

  it.each(['smtp://localhost', 'smtps://ada:secret@mail.example.org:465', 'smtp://ada%40a.org:s%2Ft@[::1]:25/'])(
    'takes %s for a mail server',
    (url) => {
      expect(configFrom({ SMTP_URL: url }, '/srv').mail.smtpUrl).toBe(url)
    },
  )

  it.each(['https://abc123@sentry.example.org/1', 'http://abc:def@10.0.0.5:9000/under/a/path/42'])(
    'takes %s for a receiver of errors',
    (dsn) => {
      expect(configFrom({ SENTRY_DSN: dsn }, '/srv').errorReports).toEqual({ dsn, environment: 'production' })
    },
  )

  it.each([
    ['ada@example.org', { name: '', address: 'ada@example.org' }],
    ['Ada L. <ada@example.org>', { name: 'Ada L.', address: 'ada@example.org' }],
    ['"Ada, Countess" <ada@example.org>', { name: 'Ada, Countess', address: 'ada@example.org' }],
  ])('takes %s for a sender', (text, from) => {
    expect(configFrom({ MAIL_FROM: text }, '/srv').mail.from).toEqual(from)
  })

  it('takes an empty variable for an unset one', () => {
    expect(configFrom({ PORT: '', DATABASE_URL: ' ' }, '/srv')).toEqual(configFrom({}, '/srv'))
  })

  it('is frozen to its depth', () => {
    const config = configFrom({}, '/srv')
    expect(() => Object.assign(config.http, { port: 1 })).toThrow(TypeError)
  })

  it.each([
    ['PORT', '70000'],
    ['PORT', '80x'],
    ['ENABLE_METRICS', 'maybe'],
    ['GANTRY_ROLES', 'api,printer'],
    ['GANTRY_TIME_ZONE', 'Mars/Olympus'],
    ['GANTRY_TIME_ZONE', '+02:00'],
    ['PRINTER_ALLOWED_CIDRS', '10.0.0.0/33'],
    ['CORS_ORIGINS', 'https://a.example/path'],
    ['TRUSTED_PROXIES', 'proxy.example.org'],
    ['TRUSTED_PROXIES', '10.0.0.0/33'],
    ['TRUSTED_PROXIES', '0.0.0.0/0'],
    ['LOG_LEVEL', 'loud'],
    ['ACCESS_TOKEN_SECONDS', '601'],
    ['CACHE_STRATEGY', 'complicated'],
    ['REDIS_PREFIX', 'two words'],
    ['ALARM_MAIL_SEVERITY', 'loud'],
    ['MAIL_FROM', 'nobody'],
    ['MAIL_FROM', 'A <a@example.org> <b@example.org>'],
  ])('refuses %s=%s and shows what it is', (name, value) => {
    const message = fails({ [name]: value })
    expect(message).toContain(name)
    expect(message).toContain(value)
  })

  it.each([
    ['DATABASE_URL', 'mysql://root:hunter2@db/x'],
    ['DATABASE_URL', 'root:hunter2@db/x'],
    ['DATABASE_URL', 'postgresql://root:hunter2@db:port/x'],
    ['DATABASE_URL', 'postgresql://root:5/hunter2@db/x'],
    ['DATABASE_URL', 'postgresql://root:5?hunter2@db/x'],
    ['DATABASE_URL', 'postgresql://root:5#hunter2@db/x'],
    ['DATABASE_URL', 'postgresql://root:hunter2%zz@db/x'],
    ['REDIS_URL', 'http://root:hunter2@cache:6379'],
    ['REDIS_URL', 'redis://root:hunter2@cache:port'],
    ['REDIS_URL', 'redis://root:hunter2@cache/first'],
    ['REDIS_URL', 'root:hunter2@cache'],
    ['REDIS_URL', 'redis://root:5#hunter2@cache'],
    ['REDIS_URL', 'redis://root:hunter2%zz@cache'],
    ['SMTP_URL', 'http://root:hunter2@mail'],
    ['SMTP_URL', 'root:hunter2@mail'],
    ['SMTP_URL', 'smtp://root:5/hunter2@mail'],
    ['SMTP_URL', 'smtp://root:hunter2@mail?tls.rejectUnauthorized=false'],
    ['SENTRY_DSN', 'https://hunter2@sentry.example.org/'],
    ['SENTRY_DSN', 'https://hunter2@sentry.example.org/project'],
    ['SENTRY_DSN', 'https://sentry.example.org/1?key=hunter2'],
    ['SENTRY_DSN', 'udp://hunter2@sentry.example.org/1'],
    ['GANTRY_SECRET_KEY', 'hunter2'],
    ['GANTRY_SECRET_KEY', Buffer.from('hunter2hunter2hunter2hunter2hunt').toString('base64')],
    ['GANTRY_SECRET_KEY_PREVIOUS', 'hunter2'],
    ['METRICS_TOKEN', 'hunter2'],
  ])('refuses a wrong %s without showing it', (name, value) => {
    const message = fails({ [name]: value })
    expect(message).toContain(name)
    expect(message).not.toContain('hunter2')
  })

  it.each([
    ['repeats the same few bytes', Buffer.alloc(32, 7)],
    ['repeats the same few bytes', Buffer.from('0123456789abcde'.repeat(3)).subarray(0, 32)],
    ['is a row of numbers', Buffer.from(Array.from({ length: 32 }, (_, n) => n))],
    ['is a row of numbers', Buffer.from(Array.from({ length: 32 }, (_, n) => 255 - 3 * n))],
    ['is a text and not random', Buffer.from('correct horse battery staple, 42')],
    ['is the hash of a word', createHash('sha256').update('changeme').digest()],
  ])('refuses a secret key that %s, and says how to make one', (why, key) => {
    expect(key).toHaveLength(32)
    const message = fails({ GANTRY_SECRET_KEY: key.toString('base64') })
    expect(message).toContain(`GANTRY_SECRET_KEY ${why}`)
    expect(message).toContain('make one with: openssl rand -base64 32')
    expect(message).not.toContain(key.toString('base64'))
  })

  it('takes random secret keys, however many', () => {
    for (let n = 0; n < 300; n += 1) {
      const key = randomBytes(32)
      expect(configFrom({ GANTRY_SECRET_KEY: key.toString('base64') }, '/srv').auth.secretKey).toEqual(
        new Uint8Array(key),
      )
    }
  })

  it('takes no more than four keys of before', () => {
    const keys = Array.from({ length: 5 }, () => randomBytes(32).toString('base64'))
    expect(fails({ GANTRY_SECRET_KEY_PREVIOUS: keys.join(',') })).toContain(
      'GANTRY_SECRET_KEY_PREVIOUS must be at most 4',
    )
  })

  it('tells every wrong variable at once', () => {
    expect(fails({ PORT: 'x', DB_POOL_SIZE: '0' }).split('\n')).toHaveLength(3)
  })
})

describe('the file .env', () => {
  it('is read when it is there and not missed when it is not', () => {
    const folder = mkdtempSync(join(tmpdir(), 'gantry-env-'))
    try {
      expect(readEnvFile(join(folder, '.env'))).toEqual({})
      writeFileSync(join(folder, '.env'), '# comment\nPORT=4000\nHOST="0.0.0.0"\n')
      expect(configFrom(readEnvFile(join(folder, '.env')), folder).http).toMatchObject({ port: 4000, host: '0.0.0.0' })
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('that cannot be read is an error', () => {
    expect(() => readEnvFile(tmpdir())).toThrow(ConfigError)
  })
})

describe('the example file', () => {
  it('can be used as it is', () => {
    const example = readFileSync(new URL('../../../../.env.example', import.meta.url), 'utf8')
    const uncommented = example.replaceAll(/^# ([A-Z_]+=)/gm, '$1')
    const folder = mkdtempSync(join(tmpdir(), 'gantry-env-'))
    try {
      writeFileSync(join(folder, '.env'), uncommented)
      expect(configFrom(readEnvFile(join(folder, '.env')), '/srv')).toEqual(configFrom({}, '/srv'))
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
