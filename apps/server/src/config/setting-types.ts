import { isIP } from 'node:net'

import { z } from 'zod'

import { HOW_TO_MAKE_A_KEY, readSecretKey, weaknessOf } from '../kernel/index.js'

/** The duties that a process may take on. */
export const ROLES = ['api', 'worker', 'fleet'] as const
export type Role = (typeof ROLES)[number]

const TRUE_WORDS = ['true', '1', 'yes', 'on']
const FALSE_WORDS = ['false', '0', 'no', 'off']

export const flag = (otherwise: boolean) =>
  z
    .string()
    .refine((text) => [...TRUE_WORDS, ...FALSE_WORDS].includes(text.toLowerCase()), 'must be true or false')
    .transform((text) => TRUE_WORDS.includes(text.toLowerCase()))
    .default(otherwise)

export const someWholeNumber = (min: number, max: number) =>
  z
    .string()
    .refine(
      (text) => /^\d{1,16}$/.test(text) && Number(text) >= min && Number(text) <= max,
      `must be a whole number from ${min} to ${max}`,
    )
    .transform(Number)

export const wholeNumber = (min: number, max: number, otherwise: number) => someWholeNumber(min, max).default(otherwise)

const parseUrl = (text: string): URL | null => (URL.canParse(text) ? new URL(text) : null)

/** `https://host[:port]` and nothing behind it. */
export const originUrl = () =>
  z
    .string()
    .transform((text) => text.replace(/\/$/, ''))
    .refine((text) => {
      const url = parseUrl(text)
      return url !== null && /^https?:$/.test(url.protocol) && url.origin === text.toLowerCase()
    }, 'must be an origin such as https://gantry.example.org')
    .transform((text) => text.toLowerCase())

const isDecodable = (text: string): boolean => {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}

/**
 * The URL of a server. A `/`, `?` or `#` that stands in the password as it is ends the host's part early, so that the
 * name of a user would be connected to and parts of the password be shown as names; the `@` behind it gives it away.
 */
const serverUrl = (text: string, protocols: readonly string[]): URL | null => {
  const url = parseUrl(text)
  if (url === null || !protocols.includes(url.protocol)) return null
  const { username, password, pathname, search, hash } = url
  const isWhole = ![pathname, search, hash].some((part) => part.includes('@'))
  return isWhole && [username, password, pathname].every(isDecodable) ? url : null
}

const ENCODED = 'with special characters of the password percent-encoded'

export const postgresUrl = () =>
  z
    .string()
    .refine(
      (text) => serverUrl(text, ['postgres:', 'postgresql:']) !== null,
      `must be a URL such as postgresql://user:password@host:5432/database, ${ENCODED}`,
    )

const isRedisUrl = (text: string): boolean => {
  const url = serverUrl(text, ['redis:', 'rediss:'])
  return url !== null && url.hostname !== '' && /^(\/\d{0,4})?$/.test(url.pathname)
}

export const redisUrl = () =>
  z
    .string()
    .refine(isRedisUrl, `must be a URL such as redis://user:password@host:6379/0, or rediss:// for TLS, ${ENCODED}`)

const isSmtpUrl = (text: string): boolean => {
  const url = serverUrl(text, ['smtp:', 'smtps:'])
  return url !== null && url.hostname !== '' && /^\/?$/.test(url.pathname) && url.search === '' && url.hash === ''
}

export const smtpUrl = () =>
  z
    .string()
    .refine(
      isSmtpUrl,
      `must be a URL such as smtp://user:password@mail.example.org:587, or smtps:// for TLS from the start, ${ENCODED}`,
    )

const isHttpUrl = (text: string): boolean => {
  const url = parseUrl(text)
  return url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.search === '' && url.hash === ''
}

/** Without user, query or fragment, and without a slash at its end. */
export const httpUrl = () =>
  z
    .string()
    .refine(isHttpUrl, 'must be a URL such as http://collector:4318')
    .transform((text) => text.replace(/\/+$/, ''))

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/

/** Whether a URL leads to this machine itself, which no network lies before. */
export const isLoopbackUrl = (url: string): boolean => LOOPBACK.test(parseUrl(url)?.hostname ?? '')

/** As it is written: a slash at its end belongs to it. */
export const issuerUrl = () =>
  z
    .string()
    .refine(
      (text) => isHttpUrl(text) && (text.startsWith('https://') || isLoopbackUrl(text)),
      'must be a URL such as https://sso.example.org/realms/lab; http only on this machine',
    )

export const scopeList = () =>
  z
    .string()
    .max(1_000)
    .refine(
      (text) =>
        /^[\x21\x23-\x5b\x5d-\x7e]+(?: +[\x21\x23-\x5b\x5d-\x7e]+)*$/.test(text) && text.split(' ').includes('openid'),
      'must be scopes such as openid profile email, openid among them',
    )

/** `group=role,group=role`, in the order in which they count. */
export const roleMap = () =>
  z
    .string()
    .max(10_000)
    .default('')
    .refine(
      (text) => text === '' || text.split(',').every((part) => MAPPED.test(part) && isDecodable(part)),
      'must be groups with their roles, such as gantry-admins=admin,makers=operator',
    )
    .transform((text) => {
      const parts = text === '' ? [] : text.split(',')
      return parts.map((part) => {
        const [, group = '', role = ''] = (MAPPED.exec(part) ?? []).map(decodeURIComponent)
        return { group, role }
      })
    })

const MAPPED = /^\s*([^=]{1,200}?)\s*=\s*([^=]{1,150}?)\s*$/

const HEADER = /^\s*([\w!#$%&'*+.^`|~-]+)\s*=\s*([^\s,]*)\s*$/

/** `name=value,name=value`, as OpenTelemetry has it. */
export const headerList = () =>
  z
    .string()
    .default('')
    .refine(
      (text) => text === '' || text.split(',').every((part) => HEADER.test(part) && isDecodable(part)),
      'must be headers such as x-api-key=abc,x-tenant=lab',
    )
    .transform((text): Record<string, string> => {
      const parts = text === '' ? [] : text.split(',')
      return Object.fromEntries(
        parts.map((part) => {
          const [, name = '', value = ''] = HEADER.exec(part) ?? []
          return [name.toLowerCase(), decodeURIComponent(value)]
        }),
      )
    })

export const share = (otherwise: number) =>
  z
    .string()
    .refine((text) => /^\d(\.\d{1,6})?$/.test(text) && Number(text) <= 1, 'must be a number from 0 to 1')
    .transform(Number)
    .default(otherwise)

/** Key, server, and at the end of the path the project's number. */
const isSentryDsn = (text: string): boolean => {
  const url = parseUrl(text)
  if (url === null || !/^https?:$/.test(url.protocol)) return false
  const { username, password, pathname, search, hash } = url
  const isPlain = /^\w+$/.test(username) && /^\w*$/.test(password) && search === '' && hash === ''
  return isPlain && /^(\/[\w.-]+)*\/\d+$/.test(pathname)
}

export const sentryDsn = () => z.string().refine(isSentryDsn, 'must be a DSN such as https://key@sentry.example.org/1')

export interface Mailbox {
  name: string
  address: string
}

/** `gantry@example.org` or `Gantry <gantry@example.org>`. */
export const mailbox = () =>
  z
    .string()
    .transform((text): Mailbox => {
      const [, name = '', address = ''] = /^(?:([^<>\p{Cc}]{0,100}?)\s*<([^<>]+)>)$/u.exec(text) ?? ['', '', text]
      return { name: name.replace(/^"(.*)"$/, '$1'), address }
    })
    .refine(
      ({ address }) => z.email().max(254).safeParse(address).success,
      'must be an address such as gantry@example.org, or Gantry <gantry@example.org>',
    )

export const list = <S extends z.ZodType<string, string>>(member: S, otherwise: string) =>
  z
    .string()
    .default(otherwise)
    .transform((text) =>
      text
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== ''),
    )
    .pipe(z.array(member))

const isCidr = (text: string): boolean => {
  const [address = '', prefix = '', ...rest] = text.split('/')
  const bits = isIP(address) === 6 ? 128 : 32
  return isIP(address) !== 0 && /^\d{1,3}$/.test(prefix) && Number(prefix) <= bits && rest.length === 0
}

export const cidr = () => z.string().refine(isCidr, 'must be networks such as 192.168.0.0/16')

/** One of everything would let everybody say who they are. */
const isProxy = (text: string): boolean =>
  text === 'loopback' || text === 'private' || isIP(text) !== 0 || (isCidr(text) && Number(text.split('/')[1]) > 0)

/** Who is believed about whom they speak for. */
export const trustedProxy = () =>
  z.string().refine(isProxy, 'must be addresses, networks such as 10.0.0.0/24, loopback or private')

export const roleList = () =>
  z
    .string()
    .default('all')
    .transform((text) => (text.trim() === 'all' ? [...ROLES] : text.split(',').map((role) => role.trim())))
    .pipe(z.array(z.enum(ROLES, 'must be all, or a list of api, worker and fleet')).min(1))
    .transform((roles): readonly Role[] => ROLES.filter((role) => roles.includes(role)))

const isTimeZone = (name: string): boolean => {
  // `Intl` also takes offsets such as +02:00, which know no summer time.
  if (!/^[A-Za-z]/.test(name)) return false
  try {
    new Intl.DateTimeFormat('en', { timeZone: name })
    return true
  } catch {
    return false
  }
}

export const timeZone = () => z.string().refine(isTimeZone, 'must be an IANA time zone such as Europe/Berlin')

/** @param weak whether one that can be guessed is taken, so that what it sealed can be opened once more */
export const secretKey = ({ weak }: { weak: boolean }) =>
  z.string().transform((text, context) => {
    const key = readSecretKey(text)
    const fault = key === null ? 'must be 32 bytes in base64' : weak ? null : weaknessOf(key)
    if (key !== null && fault === null) return key
    context.addIssue({ code: 'custom', message: `${fault ?? ''}: ${HOW_TO_MAKE_A_KEY}` })
    return z.NEVER
  })
