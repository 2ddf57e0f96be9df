import { createHmac } from 'node:crypto'

import { request, type Attack, type Lab } from './attack.js'

const NOBODY = '401 UNAUTHENTICATED'

type Claims = Record<string, unknown>

const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const parts = ({ adminToken }: Lab) =>
  adminToken
    .split('.')
    .slice(0, 2)
    .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()) as Claims)

interface Forgery {
  header?: Claims
  payload?: Claims
  key?: Uint8Array
}

/** The admin's own token with something else in it, signed again, with the server's key unless another is given. */
const forged = (lab: Lab, { header, payload, key = lab.signingKey }: Forgery): string => {
  const [head, claims] = parts(lab)
  const signed = `${encoded({ ...head, ...header })}.${encoded({ ...claims, ...payload })}`
  return `${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`
}

const asking = (authorization: string) => request('/api/auth/me', { headers: [`Authorization: ${authorization}`] })
const forging = (what: string, forgery: Forgery): Attack => [
  what,
  (lab) => asking(`Bearer ${forged(lab, forgery)}`),
  NOBODY,
]

export const TOKENS: Attack[] = [
  ['the token as it is, for comparison', (lab) => asking(`Bearer ${forged(lab, {})}`), '200'],
  [
    'a token without a signature, alg none',
    (lab) => asking(`Bearer ${encoded({ alg: 'none', typ: 'at+jwt' })}.${encoded(parts(lab)[1])}.`),
    NOBODY,
  ],
  forging('alg none over a good signature', { header: { alg: 'none' } }),
  forging('alg NONE', { header: { alg: 'NONE' } }),
  forging('another algorithm', { header: { alg: 'HS512' } }),
  forging('an algorithm with a public key', { header: { alg: 'RS256' } }),
  forging('another key', { key: Buffer.alloc(32, 1) }),
  forging('an empty key', { key: Buffer.alloc(0) }),
  forging('another type', { header: { typ: 'JWT' } }),
  forging('no type', { header: { typ: undefined } }),
  forging('another key id', { header: { kid: 'other' } }),
  forging('a key id that is a path', { header: { kid: '../../dev/null' } }),
  forging('a key that the token brings along', { header: { jwk: { kty: 'oct', k: 'AA' }, kid: undefined } }),
  forging('an extension that must be understood', { header: { crit: ['x'], x: 1 } }),
  forging('another issuer', { payload: { iss: 'elsewhere' } }),
  forging('another audience', { payload: { aud: 'elsewhere' } }),
  forging('no expiry', { payload: { exp: undefined } }),
  forging('an expiry in the past', { payload: { exp: 1_700_000_000 } }),
  forging('an expiry that is a text', { payload: { exp: '9999999999' } }),
  forging('a start in the future', { payload: { nbf: 4_000_000_000 } }),
  forging('no session', { payload: { sid: undefined } }),
  forging('a session that is a list', { payload: { sid: ['ses_1'] } }),
  [
    'a session that is not there',
    (lab) => asking(`Bearer ${forged(lab, { payload: { sid: 'ses_01890000-0000-7000-8000-000000000000' } })}`),
    '401 SESSION_ENDED',
  ],
  [
    'the session of somebody else',
    (lab) => asking(`Bearer ${forged(lab, { payload: { sub: 'usr_other' } })}`),
    '401 SESSION_ENDED',
  ],
  [
    'a role that the token names itself',
    (lab) => asking(`Bearer ${forged(lab, { payload: { role: 'root' } })}`),
    '200',
  ],
  ['a token of 30 kB', () => asking(`Bearer ${'a'.repeat(30_000)}`), NOBODY],
  ['a token of 40 kB', () => asking(`Bearer ${'a'.repeat(40_000)}`), '431 REQUEST_TOO_LARGE'],
  ['a token with a control character', () => asking('Bearer a\x01b'), '400 VALIDATION_FAILED'],
  ['a token of dots', () => asking('Bearer ...'), NOBODY],
  ['a token in another alphabet', () => asking('Bearer é'), NOBODY],
  ['a password instead of a token', () => asking('Basic YWRtaW46YWRtaW4='), NOBODY],
  ['no scheme', (lab) => asking(lab.adminToken), NOBODY],
  [
    'a token in the URL',
    (lab) => request(`/api/auth/me?access_token=${lab.adminToken}&authorization=Bearer%20${lab.adminToken}`),
    NOBODY,
  ],
  ['a token in a cookie', (lab) => request('/api/auth/me', { headers: [`Cookie: token=${lab.adminToken}`] }), NOBODY],
  [
    'two tokens',
    (lab) =>
      request('/api/auth/me', { headers: ['Authorization: Bearer x', `Authorization: Bearer ${lab.adminToken}`] }),
    '400 VALIDATION_FAILED',
  ],
]
