import { asAdmin, request, type Attack } from './attack.js'

const preflight = (origin: string) =>
  request('/api/projects', {
    method: 'OPTIONS',
    headers: [
      `Origin: ${origin}`,
      'Access-Control-Request-Method: DELETE',
      'Access-Control-Request-Headers: authorization',
    ],
  })

/** Origins that look like the one that is allowed, `https://farm.example`. */
const FOREIGN_ORIGINS = [
  'null',
  'https://farm.example.evil.example',
  'https://evilfarm.example',
  'http://farm.example',
  'https://farm.example:444',
  'https://farm.example/',
  'https://FARM.example',
  'https://farm.example@evil.example',
  'https://xn--frm-ula.example',
  '*',
] as const

const FORGED_IDS = ['a b', '<script>', 'a;b', 'x'.repeat(65), '%0d%0aX-A: 1', 'é']

export const ORIGINS: Attack[] = [
  ...FOREIGN_ORIGINS.map((origin): Attack => [`a preflight of ${origin}`, () => preflight(origin), '204']),
  ...FORGED_IDS.map((id): Attack => [
    `the request id ${id}`,
    () => request('/healthz', { headers: [`X-Request-Id: ${id}`] }),
    '200',
  ]),
  [
    'a request id that ends the header',
    () => request('/healthz', { headers: ['X-Request-Id: a\r\nX-Injected: 1'] }),
    '200',
  ],
  ['a trace that is none', () => request('/healthz', { headers: ['traceparent: 00-zz-zz-zz'] }), '200'],
  ['a trace of 10 kB', () => request('/healthz', { headers: [`traceparent: 00-${'a'.repeat(10_000)}-b-01`] }), '200'],
  [
    'an address that a proxy is said to have seen',
    (lab) =>
      asAdmin(lab, '/api/auth/me', {
        headers: ['X-Forwarded-For: 127.0.0.1', 'X-Real-Ip: 127.0.0.1', 'Forwarded: for=127.0.0.1'],
      }),
    '200',
  ],
  [
    'another host that a proxy is said to have seen',
    () =>
      request('/api', {
        headers: ['X-Forwarded-Host: evil.example', 'X-Original-URL: /api/openapi.json', 'X-Rewrite-URL: /metrics'],
      }),
    '200',
  ],
]
