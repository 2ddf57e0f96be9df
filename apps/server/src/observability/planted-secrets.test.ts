import { randomBytes } from 'node:crypto'

import { describe, expect, it, vi } from 'vitest'

import { Excerpt } from '../kernel/excerpt.js'
import { RareLog } from '../kernel/rare-log.js'
import { ManualClock } from '../testing/manual-clock.js'
import { recordingLogger } from '../testing/recording-logger.js'
import { startReportSink } from '../testing/report-sink.js'
import { SentryReporter } from './error-reports/sentry-reporter.js'
import { createLogger } from './logger.js'
import { redactText } from './redact.js'
import { ReportingLogger } from './reporting-logger.js'

type Plant = (secret: string) => Record<string, unknown>

const failing = (message: string, more: object = {}) => ({ err: Object.assign(new Error(message), more) })
const base64 = (text: string) => Buffer.from(text).toString('base64')

/** Every place in which a secret has been seen, or may be. */
const PLACES: Record<string, Plant> = {
  'a header of authorization': (s) => ({ headers: { Authorization: `Bearer ${s}` } }),
  'a header with an API key': (s) => ({ headers: { 'X-Api-Key': s } }),
  'cookies of a request': (s) => ({ headers: { cookie: `access_token=${s}; theme=dark` } }),
  'cookies of an answer': (s) => ({ headers: { 'set-cookie': [`session=${s}; HttpOnly`] } }),
  'a list of raw headers': (s) => ({ rawHeaders: ['Host', 'a', 'Cookie', s, 'Accept', '*/*'] }),
  'pairs of headers': (s) => ({
    headers: [
      ['accept', '*/*'],
      ['x-api-key', s],
    ],
  }),
  'headers in a map': (s) => ({ headers: new Map([['authorization', s]]) }),
  'a form that is described by names and values': (s) => ({ form: [{ name: 'password', value: s }] }),
  'headers in a text': (s) => ({ sent: `GET / HTTP/1.1\r\nCookie: theme=dark; id=${s}\r\nAccept: */*` }),
  'a digest in a text': (s) => ({ sent: `Digest username="a", realm="b", response="${s}"` }),
  'a body of a log-in': (s) => ({ input: { email: 'a@example.org', password: s } }),
  'a body deep inside of others': (s) => ({ a: { b: { c: { d: { refreshToken: s } } } } }),
  'a body in a list': (s) => ({ printers: [{ name: 'One', api_key: s }] }),
  'a body as text': (s) => ({ body: `{"email":"a@example.org","password":"${s}","totp":1}` }),
  'a body as text inside of a text': (s) => ({ body: JSON.stringify(JSON.stringify({ password: `${s} "${s}` })) }),
  'a body that is cut off': (s) => ({ body: `{"email":"a@example.org","password":"${s}` }),
  'a form as text': (s) => ({ body: `grant_type=password&username=a&password=${s}` }),
  'an excerpt of a body': (s) => ({ input: new Excerpt({ newPassword: s, name: 'x'.repeat(5_000) }) }),
  'a query string': (s) => ({ url: `/api/events?cursor=7&access_token=${s}&limit=1` }),
  'a signed link': (s) => ({ url: `/api/exports/exp_1/download?expires=1&signature=${s}` }),
  "a printer's API key in a query": (s) => ({ url: `http://10.0.0.5/webcam?apikey=${s}` }),
  'a ticket of a stream': (s) => ({ url: `/trpc/printers.onStatus?ticket=${s}` }),
  'a URL with a password': (s) => ({ url: `postgresql://gantry:${s}@db:5432/gantry` }),
  'a URL whose password has an @': (s) => ({ url: `http://octo:${s}@${s}@10.0.0.5:5000/api` }),
  'a URL whose password has a slash': (s) => ({ url: `redis://default:${s}/${s}@cache:6379/0` }),
  'a URL as an object': (s) => ({ url: new URL(`http://octo:${s}@10.0.0.5/`) }),
  'a URL inside of a query': (s) => ({ url: `/proxy?to=${encodeURIComponent(`http://octo:${s}@10.0.0.5/`)}` }),
  'a URL that is a name': (s) => ({ connections: { [`redis://default:${s}@cache:6379`]: 'lost' } }),
  'a message of an error': (s) => failing(`connect to smtp://gantry:${s}@mail.example.org:587 timed out`),
  'SQL in a message': (s) => failing(`syntax error at: ALTER ROLE gantry PASSWORD '${s}' VALID`),
  'settings in a message': (s) => failing(`cannot connect with host=db user=gantry password=${s} dbname=gantry`),
  'a cause of an error': (s) => ({
    err: new Error('no list', { cause: new Error('refused', { cause: new Error(`GET http://u:${s}@h/ failed`) }) }),
  }),
  'a cause that is no error': (s) => ({ err: new Error('no list', { cause: { apiKey: s } }) }),
  'errors together': (s) => ({ err: new AggregateError([new Error(`token=${s}`)], 'all failed') }),
  'properties of an error': (s) => failing('refused', { response: { headers: { cookie: s } }, password: s }),
  'parameters of an error': (s) => failing('refused', { params: { accessCode: s } }),
  'a name of an error': (s) => failing('odd', { name: `Odd Bearer ${s}` }),
  'a credential of a printer': (s) => ({ printer: { kind: 'bambu', credentials: { serial: 'A', code: s } } }),
  'an access code of a printer': (s) => ({ printer: { access_code: s, accessCode: s } }),
  'recovery codes': (s) => ({ recoveryCodes: [s], recoveryCode: s }),
  'a list of tokens': (s) => ({ tokens: [s] }),
  'one-time codes, seeds and pins': (s) => ({ totp: s, seed: s, pin: s }),
  'a setting of a mail server': (s) => ({ sent: `SMTP_PASS=${s}` }),
  'a link to a page': (s) => ({ link: `https://farm.example.org/app/#/invitation/${s}`, other: `/#/x/${s}` }),
  'a fragment of a URL': (s) => ({ url: `https://farm.example.org/choose#${s}` }),
  'a payload of a job': (s) => ({ payload: { data: { link: `https://a.example/reset?token=${s}` } } }),
  'a webhook secret': (s) => ({ sent: `signing with whsec_${s}` }),
  "one of Gantry's own keys": (s) => ({ sent: `key gty_${s}` }),
  'a signed token in a text': (s) => ({ sent: `got eyJhbGciOiJIUzI1NiJ9.${s}.${s}` }),
  'basic credentials in a text': (s) => ({ sent: `Authorization: Basic ${base64(`octo:${s}`)}` }),
  'a private key': (s) => ({ tls: `-----BEGIN PRIVATE KEY-----\n${s}\n-----END PRIVATE KEY-----` }),
  'a connection string by its name': (s) => ({ SENTRY_DSN: `https://${s}@sentry.example.org/1` }),
  'credentials of a mail server': (s) => ({ smtp: { auth: { user: 'gantry', pass: s } } }),
  bytes: (s) => ({
    bytes: Buffer.from(s),
    more: new Uint8Array(Buffer.from(s)),
    raw: new Uint8Array(Buffer.from(s)).buffer,
  }),
  'members of a set': (s) => ({ seen: new Set([`?key=${s}`, { clientSecret: s }]) }),
  'an object that writes itself': (s) => ({ odd: { toJSON: () => ({ password: s }) } }),
  'a text that is cut in the middle of it': (s) => ({ text: `${'x '.repeat(3_990)}http://octo:${s}${s}@host/` }),
}

const secretFor = (place: string) => ({ place, secret: `s3cr3t${randomBytes(9).toString('hex')}` })

describe('secrets that are planted everywhere', () => {
  it('are found neither in the log, nor in what its children write, nor in reports of errors', async () => {
    await using sink = await startReportSink()
    const lines: string[] = []
    const clock = new ManualClock()
    const trouble = recordingLogger()
    const reporter = new SentryReporter({
      ...{ dsn: sink.dsn, release: 'gantry@0', environment: 'test', context: () => ({}), clock },
      log: new RareLog(trouble, clock),
    })
    const log = new ReportingLogger(
      createLogger({ level: 'debug', destination: { write: (line) => void lines.push(line) } }),
      (report) => reporter.report(report),
    )
    const planted = Object.keys(PLACES).map(secretFor)
    expect(planted.length).toBeGreaterThan(30)
    let reported = 0
    for (const { place, secret } of planted) {
      const fields = PLACES[place]!(secret)
      log.info(fields, 'seen')
      log.debug({ inner: fields }, 'seen deeper')
      log.child(fields).warn({}, 'seen by a child')
      const err = Object.assign((fields['err'] as Error | undefined) ?? new Error('x'), {
        name: `In${String(reported)}`,
      })
      if (place === 'a name of an error') err.name = `Odd Bearer ${secret}`
      log.child(fields).error({ ...fields, err }, 'failed')
      log.error({ err: new Error(JSON.stringify({ ...fields, err: undefined })), place }, 'failed with a text')
      reported += 1
      await vi.waitUntil(() => sink.envelopes.length >= reported, { timeout: 10_000 })
      // Else most would be left out.
      await clock.advance(61_000)
    }
    await reporter.stop()

    const log1 = lines.join('')
    const reports = sink.envelopes.map(({ text }) => text).join('')
    const isIn = (text: string) => planted.filter(({ secret }) => text.includes(secret)).map(({ place }) => place)
    expect(isIn(log1)).toEqual([])
    expect(isIn(reports)).toEqual([])
    expect(log1).not.toContain(base64('octo:s3cr3t').slice(0, 14))
    expect(reports).not.toContain(base64('octo:s3cr3t').slice(0, 14))
    expect(trouble.lines).toEqual([])
    expect(lines).toHaveLength(planted.length * 5)
    expect(sink.envelopes.length).toBeGreaterThanOrEqual(planted.length)
  })

  it.each([
    'the printer at http://10.0.0.5:7125/server/files/a@2.gcode does not answer',
    'a mail to ada@example.org was refused',
    'at verify (file:///srv/gantry/modules/auth/access-tokens.ts:33:12)',
    'Unexpected token \'<\', "<html>" is not valid JSON',
    '/trpc/printers.list,printJobs.list',
    'Key (name)=(One) already exists',
  ])('leave a text without any as it is: %s', (text) => {
    expect(redactText(text)).toBe(text)
  })
})

describe('what cannot be read', () => {
  const written = (fields: object) => {
    const lines: string[] = []
    createLogger({ level: 'info', destination: { write: (line) => void lines.push(line) } }).info(fields, 'seen')
    return lines.join('')
  }

  it('is not shown, and stops nobody', () => {
    const odd = {
      get broken(): string {
        throw new Error('no')
      },
    }
    expect(JSON.parse(written({ odd }))).toMatchObject({ msg: 'seen', unreadable: true })
    expect(JSON.parse(written({ err: Object.assign(new Error('x'), { message: 7 }) }))).toMatchObject({
      err: { message: '7' },
    })
  })

  it('is cut where it goes on and on, in every direction', () => {
    const knot: Record<string, unknown> = {}
    for (let n = 0; n < 90; n += 1) knot[`n${n}`] = knot
    expect(written({ knot }).length).toBeLessThan(100_000)
  })

  it.each([
    'token'.repeat(2_000),
    'a-'.repeat(5_000) + 'token=',
    'eyJ-'.repeat(2_500),
    '://a:b'.repeat(1_800),
    `x://${'a.'.repeat(4_500)}`,
    'password:\\'.repeat(900),
  ])('does not take longer the longer it is: %.12s…', (text) => {
    const began = performance.now()
    for (let n = 0; n < 10; n += 1) redactText(text)
    expect(performance.now() - began).toBeLessThan(1_000)
  })
})
