import { parseArgs } from 'node:util'

export const USAGE = `Usage: npm run loadtest [-- OPTIONS]
  Without --url: seeds a farm on a private PostgreSQL, starts the server on it without and with kept answers, and prints
  what a mix of requests costs each.
  With --url: measures a running server, with reads alone unless --writes is given.

  --seconds N       how long each side is measured in all, 1 to 300 (default 30)
  --connections N   how many requests are on their way at any time, 1 to 200 (default 12)
  --url URL         the server to measure, such as http://127.0.0.1:3000
  --token TOKEN     an access token of it, or LOADTEST_TOKEN in the environment
  --email EMAIL     who logs in instead, or LOADTEST_EMAIL
  --password TEXT   with this password, or LOADTEST_PASSWORD (what stands on the command line can be seen by others)
  --writes          also create projects there, which are removed at the end; jobs never, since they would be printed
  --help            show this

  Exit code 0 when every request succeeded, 1 when one failed or there is no such server, 2 when an option is wrong.
`

export type Login = { token: string } | { email: string; password: string }

export interface RunningServer {
  /** Without a slash at its end. */
  url: string
  login: Login
  writes: boolean
}

export interface Options {
  seconds: number
  connections: number
  /** Null: two servers of our own are compared. */
  running: RunningServer | null
}

/** An option is wrong; the message is a sentence for whoever typed it. */
export class UsageError extends Error {}

type Environment = Record<string, string | undefined>

/** @returns 'help' when that is asked for. @throws UsageError */
export const readOptions = (args: readonly string[], environment: Environment): Options | 'help' => {
  const { url, token, email, password, ...values } = parse(args)
  if (values.help) return 'help'
  const load = {
    seconds: wholeNumber('--seconds', values.seconds, 300),
    connections: wholeNumber('--connections', values.connections, 200),
  }
  if (url === undefined) {
    const alone = { '--token': token, '--email': email, '--password': password, '--writes': values.writes || undefined }
    const stray = Object.entries(alone).find(([, value]) => value !== undefined)
    if (stray !== undefined) throw new UsageError(`${stray[0]} goes with --url, the server that it is meant for.`)
    return { ...load, running: null }
  }
  const login = loginOf({ token, email, password }, environment)
  return { ...load, running: { url: originOf(url), login, writes: values.writes } }
}

const parse = (args: readonly string[]) => {
  try {
    return parseArgs({
      args: [...args],
      options: {
        ...{ url: { type: 'string' }, token: { type: 'string' }, email: { type: 'string' } },
        password: { type: 'string' },
        seconds: { type: 'string', default: '30' },
        connections: { type: 'string', default: '12' },
        writes: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

const wholeNumber = (option: string, text: string, most: number): number => {
  const number = /^\d{1,6}$/.test(text) ? Number(text) : 0
  if (number < 1 || number > most) throw new UsageError(`${option} must be a whole number from 1 to ${most}.`)
  return number
}

const originOf = (text: string): string => {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null || !['http:', 'https:'].includes(url.protocol))
    throw new UsageError('--url must be a URL such as http://127.0.0.1:3000.')
  if (url.username !== '' || url.password !== '')
    throw new UsageError('--url holds no password; --email and --password say who logs in.')
  return (url.origin + url.pathname).replace(/\/+$/, '')
}

interface Credentials {
  token: string | undefined
  email: string | undefined
  password: string | undefined
}

const loginOf = (given: Credentials, environment: Environment): Login => {
  if (given.token !== undefined && given.email !== undefined)
    throw new UsageError('--token and --email exclude each other.')
  // What stands on the command line outweighs what the environment says of the other way.
  const token = given.token ?? (given.email === undefined ? environment['LOADTEST_TOKEN'] : undefined)
  if (token !== undefined && token !== '') return { token }
  const email = given.email ?? environment['LOADTEST_EMAIL']
  const password = given.password ?? environment['LOADTEST_PASSWORD']
  if (email === undefined || password === undefined)
    throw new UsageError('--url needs --token, or --email and --password; the environment may hold them (--help).')
  return { email, password }
}
