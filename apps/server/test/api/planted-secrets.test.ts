import { randomBytes } from 'node:crypto'

import { Secret, TOTP } from 'otpauth'
import { expect, it, vi } from 'vitest'

import { startAppUnderTest, type AppUnderTest } from '../../src/testing/app-under-test.js'
import { startReportSink } from '../../src/testing/report-sink.js'

const secrets = new Map<string, string>()
const plant = (place: string): string => {
  const secret = `s3cr3t${randomBytes(9).toString('hex')}`
  secrets.set(place, secret)
  return secret
}
const placesIn = (text: string) => [...secrets].filter(([, secret]) => text.includes(secret)).map(([place]) => place)

const settings = () => ({
  METRICS_TOKEN: plant('the token of the metrics'),
  GANTRY_SECRET_KEY: randomBytes(32).toString('base64'),
  SMTP_URL: `smtp://gantry:${plant('the password of the mail server')}@127.0.0.1:9`,
  WEBHOOK_ALLOW_LOOPBACK: 'true',
})

/** Everything that callers send which is nobody's business, by every way that there is; what was answered. */
const sendSecrets = async ({ url, admin }: AppUnderTest): Promise<string> => {
  const answers: string[] = []
  const ask = async (path: string, init: Omit<RequestInit, 'headers'> & { headers?: Record<string, string> } = {}) => {
    const response = await fetch(url + path, init)
    answers.push(await response.text())
  }
  const post = (path: string, body: unknown, headers: Record<string, string> = admin.headers) =>
    ask(path, {
      ...{ method: 'POST', headers: { 'Content-Type': 'application/json', ...headers } },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
  const input = (json: unknown) => encodeURIComponent(JSON.stringify({ json }))

  await ask('/api/printers', { headers: { Authorization: `Bearer ${plant('a wrong token')}` } })
  await ask('/api/printers', { headers: { Authorization: `Basic ${plant('a wrong scheme')}` } })
  await ask('/metrics', { headers: { Authorization: `Bearer ${plant('a wrong token of the metrics')}` } })
  await ask('/api/printers', { headers: { ...admin.headers, Cookie: `session=${plant('a cookie')}` } })
  await ask('/api/printers', { headers: { ...admin.headers, 'X-Api-Key': plant('a header') } })
  await ask('/api/printers', { headers: { ...admin.headers, 'User-Agent': `odd Bearer ${plant('a user agent')}` } })
  await ask(`/api/printers?token=${plant('a query')}`, { headers: admin.headers })
  await ask(`/api/nowhere?apikey=${plant('a query of nothing')}`)
  await ask(`/api/proxy/http://octo:${plant('a URL in a path')}@10.0.0.5/`)
  await ask(`/trpc/printers.list?input=${input({ password: plant('an input of a query') })}`, {
    headers: admin.headers,
  })
  await post('/trpc/auth.login', { json: { email: 'admin@example.org', password: plant('a wrong password') } }, {})
  await post('/api/auth/login', { email: 'admin@example.org', password: plant('a wrong password over REST') }, {})
  await post('/trpc/auth.refresh', { json: { refreshToken: plant('a wrong refresh token') } }, {})
  await post('/api/auth/login', `{"email":"a@example.org","password":"${plant('a broken body')}`, {})
  await post('/trpc/auth.login', `{"json":{"password":"${plant('a broken body over tRPC')}`, {})
  const printer = { kind: 'octoprint', url: 'http://127.0.0.1:9', checkConnection: false }
  await post('/api/printers', { ...printer, name: 'One', apiKey: plant("a printer's key") })
  await post('/trpc/printers.create', { json: { ...printer, name: 'Two', apiKey: plant("a printer's key over tRPC") } })
  await post('/api/printers', { ...printer, name: 'Three', url: `http://octo:${plant("a printer's URL")}@127.0.0.1:9` })
  await post('/api/printers', {
    ...printer,
    name: 'Four',
    apiKey: plant('a key of a checked printer'),
    checkConnection: true,
  })
  await post('/api/printers', { ...printer, name: '', apiKey: plant('a refused input') })
  await ask('/api/files?name=a.gcode', {
    ...{ method: 'POST', headers: { ...admin.headers, 'Content-Type': 'application/octet-stream' } },
    body: `G28\n; ${plant('the content of a file')}\n`,
  })
  const form = new FormData()
  form.append('password', plant('a field of a form'))
  form.append('file', new Blob([`G28\n; ${plant('the content of a form')}\n`]), 'b.gcode')
  await ask('/api/files', { method: 'POST', headers: admin.headers, body: form })
  await ask(`/api/exports/exp_0193a7a0-0000-7000-8000-000000000000/download?expires=1&signature=${plant('a link')}`)
  await ask(`/trpc/printers.onStatus?ticket=${plant('a ticket')}&input=${input({})}`)
  return answers.join('\n')
}

it('thirty secrets that pass through the server stand neither in its log, nor in its answers, nor in its reports', async () => {
  await using sink = await startReportSink()
  await using app = await startAppUnderTest({ ...settings(), SENTRY_DSN: sink.dsn })
  const answers = await sendSecrets(app)
  const hook = {
    url: `http://127.0.0.1:9/hook?token=${plant('the URL of a webhook')}`,
    eventTypes: ['project.created'],
  }
  const made = (await app.admin.rest('POST', '/api/webhooks', hook)).body as { secret?: string }
  secrets.set('the secret of a webhook', made.secret ?? '')
  expect(made.secret).toMatch(/^whsec_/)
  const login = await app.nobody.rest('POST', '/api/auth/login', {
    email: 'admin@example.org',
    password: 'a password for tests',
  })
  const { accessToken, refreshToken } = login.body as { accessToken: string; refreshToken: string }
  secrets
    .set('a password', 'a password for tests')
    .set('an access token', accessToken)
    .set('a refresh token', refreshToken)

  // Whatever is asked of printers fails from here on, with all that was sent at hand.
  await app.prisma.$executeRawUnsafe('alter table printer rename to printer_gone')
  const key = plant("a printer's key in an error")
  const failed = await app.admin.rest('POST', '/api/printers', {
    ...{ name: 'Five', kind: 'octoprint', url: 'http://127.0.0.1:9', checkConnection: false, apiKey: key },
  })
  expect(failed.error?.code).toBe('INTERNAL')
  await vi.waitUntil(() => sink.envelopes.length > 0, { timeout: 10_000 })
  await app.stop()

  expect(secrets.size).toBeGreaterThanOrEqual(30)
  expect(placesIn(answers + JSON.stringify(failed.body))).toEqual([])
  const log = app.logLines.join('')
  expect(placesIn(log)).toEqual([])
  expect(log).not.toContain(new URL(app.databaseUrl).password)
  expect(placesIn(sink.envelopes.map(({ text }) => text).join(''))).toEqual([])
  // It was not for want of words.
  expect(app.logLines.filter((line) => line.includes('"msg":"what went in and out"')).length).toBeGreaterThan(10)
  expect(app.logLines.every((line) => line.length < 40_000)).toBe(true)
}, 60_000)

it('codes, recovery codes and links stand nowhere in the log that shows what goes in and out', async () => {
  await using app = await startAppUnderTest({ PUBLIC_URL: 'https://farm.example.org' })
  const { admin, nobody } = app
  const invited = (await admin.rest('POST', '/api/users', { email: 'new@example.org', role: 'viewer' })).body
  const { invitation } = invited as { invitation: { token: string; link: string } }
  expect(invitation.link).toContain(invitation.token)
  const { secret } = await admin.trpc.secondFactor.begin.mutate({ password: 'a password for tests' })
  const code = new TOTP({ secret: Secret.fromBase32(secret) }).generate()
  const { recoveryCodes } = await admin.trpc.secondFactor.confirm.mutate({ code })
  const me = await admin.trpc.auth.me.query()
  const [first = ''] = recoveryCodes
  for (const password of ['a wrong password', 'a password for tests'])
    await nobody.rest('POST', '/api/auth/login', { email: me.email, password, code: first })
  await admin.rest('POST', '/api/api-keys', { name: 'k', scopes: [], password: 'x', code: recoveryCodes[1] })
  await app.stop()
  const log = app.logLines.join('')
  const seen = [invitation.token, secret, code, ...recoveryCodes].filter((text) => log.includes(text))
  expect(seen).toEqual([])
  expect(log).toContain('what went in and out')
})
