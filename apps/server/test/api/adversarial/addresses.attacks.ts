import { posted, type Attack } from './attack.js'

const REFUSED = '400 VALIDATION_FAILED'
const FORBIDDEN = '422 PRINTER_ADDRESS_REFUSED'

/** Ways to write an address that Gantry itself, or whoever stands beside it, listens on. */
const HOSTS = [
  'http://127.0.0.1',
  'http://127.1',
  'http://2130706433',
  'http://0x7f000001',
  'http://0177.0.0.1',
  'http://0/',
  'http://0.0.0.0',
  'http://[::1]',
  'http://[::]',
  'http://[::ffff:127.0.0.1]',
  'http://[::ffff:7f00:1]',
  'http://[0:0:0:0:0:ffff:169.254.169.254]',
  'http://[64:ff9b::7f00:1]',
  'http://[2002:7f00:1::]',
  'http://169.254.169.254',
  'http://169.254.169.254.',
  'http://[fe80::1]',
  'http://[fd00:ec2::254]',
  'http://100.100.100.200',
  'http://192.0.0.192',
  'http://224.0.0.1',
  'http://255.255.255.255',
  'http://8.8.8.8',
  'http://①②⑦.0.0.1',
  'http://127。0。0。1',
  'http://localhost',
  'http://LOCALHOST',
] as const

const MALFORMED = [
  'http://admin:pass@10.0.0.1',
  'http://@10.0.0.1',
  'ftp://10.0.0.1',
  'file:///etc/passwd',
  'gopher://10.0.0.1',
  'javascript:alert(1)',
  'http://',
  'http://10.0.0.1:99999',
  '//10.0.0.1',
] as const

const register = (url: string) => JSON.stringify({ name: `At ${url}`.slice(0, 90), kind: 'moonraker', url })
const subscribe = (url: string) => JSON.stringify({ url, eventTypes: ['*'] })

const isNamed = (url: string) => /localhost/i.test(url)

export const ADDRESSES: Attack[] = [
  ...HOSTS.map((url): Attack => [
    `a printer at ${url}`,
    (lab) => posted(lab, '/api/printers', register(url)),
    FORBIDDEN,
  ]),
  ...MALFORMED.map((url): Attack => [
    `a printer at ${url}`,
    (lab) => posted(lab, '/api/printers', register(url)),
    REFUSED,
  ]),
  ...[...HOSTS.filter((url) => !isNamed(url) && !url.includes('8.8.8.8')), 'http://10.0.0.1', ...MALFORMED].map(
    (url): Attack => [`a webhook to ${url}`, (lab) => posted(lab, '/api/webhooks', subscribe(url)), REFUSED],
  ),
]
