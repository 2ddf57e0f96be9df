import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type {
  AlarmEvent,
  ErrorBody,
  PrinterStatusEvent,
  PrintFile,
  PrintJobEvent,
  ProjectEvent,
  UserRole,
} from '@gantry/schemas'
import { createTRPCClient, httpLink, type TRPCClient } from '@trpc/client'
import superjson from 'superjson'

import { createApp, type AppOverrides } from '../app.js'
import { configFrom, type Config, type Environment } from '../config/config.js'
import { createDatabase } from '../db/client.js'
import type { PrismaClient } from '../db/generated/client.js'
import { newId } from '../kernel/index.js'
import { hashPassword } from '../modules/auth/passwords.js'
import { createLogger } from '../observability/logger.js'
import type { AppRouter } from '../routers/app-router.js'
import { createTestDatabase } from './database.js'
import { openLiveEvents, type LiveEvents } from './live-events.js'
import { QUICK_TIMINGS } from './printing-rig.js'

/** The answer of a REST call. */
export interface Answer {
  status: number
  /** What JSON gave; the text where it was none. */
  body: unknown
  /** The error's body; null when the call succeeded. */
  error: ErrorBody | null
}

/** What the live streams send, by procedure; times are texts on the wire. */
export interface StreamTypes {
  'printJobs.onChange': PrintJobEvent
  'printers.onStatus': PrinterStatusEvent
  'alarms.onChange': AlarmEvent
  'projects.onChange': ProjectEvent
}

/** Somebody who is logged in, or nobody. */
export interface Caller {
  trpc: TRPCClient<AppRouter>
  headers: Record<string, string>
  /** A procedure over tRPC by its name, with whatever input. */
  call: (type: 'query' | 'mutation', procedure: string, input?: unknown) => Promise<Answer>
  /** A string is sent as it is, anything else as JSON. */
  rest: (method: string, path: string, body?: unknown) => Promise<Answer>
  upload: (name: string, bytes: string | Uint8Array) => Promise<Answer>
  stream: <P extends keyof StreamTypes>(
    procedure: P,
    lastEventId?: string | null,
  ) => Promise<LiveEvents<StreamTypes[P]>>
}

export interface AppUnderTest extends AsyncDisposable {
  url: string
  /** Null without `METRICS_PORT`. */
  metricsUrl: string | null
  databaseUrl: string
  /** What the server was started with. */
  config: Config
  /** The database behind the server's back. */
  prisma: PrismaClient
  /** Every line of the log so far. */
  logLines: readonly string[]
  admin: Caller
  nobody: Caller
  /** Makes a user of this role and logs in. */
  logInAs(role: UserRole): Promise<Caller>
  /** Everything that is kept: rows by table, and the stored files with the half received ones. */
  kept(): Promise<Record<string, number>>
  /** Stops the server; the database and its data stay until disposal. */
  stop(): Promise<void>
}

const EMAIL = 'admin@example.org'
export const PASSWORD = 'a password for tests'

/** A database that the test has brought, or one of its own. */
const databaseFor = async (url: string | undefined): Promise<{ url: string; drop: () => Promise<void> }> =>
  url === undefined ? createTestDatabase() : { url, drop: () => Promise.resolve() }

/** A whole server on a database and in a folder of its own, spoken to over HTTP alone. */
export const startAppUnderTest = async (
  environment: Environment = {},
  overrides: Pick<AppOverrides, 'metrics'> = {},
): Promise<AppUnderTest> => {
  const database = await databaseFor(environment['DATABASE_URL'])
  const dataDir = await mkdtemp(join(tmpdir(), 'gantry-api-'))
  const logLines: string[] = []
  const logTo = { write: (line: string) => void logLines.push(line) }
  const settings = {
    DATABASE_URL: database.url,
    GANTRY_DATA_DIR: dataDir,
    LOG_LEVEL: 'debug',
    GANTRY_ADMIN_EMAIL: EMAIL,
    GANTRY_ADMIN_PASSWORD: PASSWORD,
    PORT: '0',
    PRINTER_ALLOW_LOOPBACK: 'true',
    RATE_LIMIT_PER_MINUTE: '1000000',
    SHUTDOWN_DRAIN_SECONDS: '0',
    ...environment,
  }
  const config = configFrom(settings, dataDir)
  const app = createApp(config, { logTo, timings: QUICK_TIMINGS, ...overrides })
  const { url, metricsUrl } = await app.start()
  if (url === null) throw new Error('the server has no role api')
  const behind = createDatabase({
    ...{ url: database.url, poolSize: 4, timeoutMs: 10_000, log: createLogger({ level: 'debug', destination: logTo }) },
    applicationName: 'behind the server',
  })
  const { prisma } = behind
  return {
    ...{ url, metricsUrl, databaseUrl: database.url, config, prisma, logLines },
    admin: await logIn(url, EMAIL),
    nobody: callerOf(url, {}),
    logInAs: async (role) => logIn(url, await createUser(prisma, role)),
    kept: () => everythingKept(prisma, dataDir),
    stop: () => app.stop(),
    [Symbol.asyncDispose]: async () => {
      await app.stop()
      await behind.close()
      await rm(dataDir, { recursive: true, force: true })
      await database.drop()
    },
  }
}

/** The uploaded file. @throws Error when the upload was refused */
export const uploaded = async (caller: Caller, name: string, bytes: string | Uint8Array): Promise<PrintFile> => {
  const { status, body } = await caller.upload(name, bytes)
  if (status !== 201) throw new Error(`refused: ${JSON.stringify(body)}`)
  return body as PrintFile
}

/** Who holds this access token. */
export const callerOf = (url: string, headers: Record<string, string>): Caller => {
  const send = async (
    path: string,
    init: Omit<RequestInit, 'headers'> & { headers: Record<string, string> },
  ): Promise<Answer> => {
    const response = await fetch(url + path, { ...init, headers: { ...headers, ...init.headers } })
    const text = await response.text()
    const body: unknown = isJson(response) ? JSON.parse(text) : text
    return { status: response.status, body, error: response.ok ? null : errorIn(body) }
  }
  const sendJson = (method: string, path: string, body: unknown) =>
    send(path, {
      ...{ method, headers: { 'Content-Type': 'application/json' } },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
  return {
    headers,
    trpc: createTRPCClient<AppRouter>({ links: [httpLink({ url: `${url}/trpc`, transformer: superjson, headers })] }),
    call: (type, procedure, input = {}) =>
      type === 'mutation'
        ? sendJson('POST', `/trpc/${procedure}`, { json: input })
        : send(`/trpc/${procedure}?input=${encodeURIComponent(JSON.stringify({ json: input }))}`, { headers: {} }),
    rest: (method, path, body) =>
      body === undefined ? send(path, { method, headers: {} }) : sendJson(method, path, body),
    upload: (name, bytes) =>
      send(`/api/files?name=${encodeURIComponent(name)}`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/octet-stream' },
        body: bytes,
      }),
    stream: (procedure, lastEventId = null) =>
      openLiveEvents(`${url}/trpc/${procedure}`, {
        ...{ ...headers, Accept: 'text/event-stream' },
        ...(lastEventId === null ? {} : { 'Last-Event-ID': lastEventId }),
      }),
  }
}

/** REST sends the body as `error`, tRPC as `error.json.data`. */
const errorIn = (body: unknown): ErrorBody => {
  const { error } = body as { error: ErrorBody | { json: { data: ErrorBody } } }
  return 'json' in error ? error.json.data : error
}

const isJson = (response: Response) => response.headers.get('content-type')?.startsWith('application/json') === true

const logIn = async (url: string, email: string): Promise<Caller> => {
  const { accessToken } = await callerOf(url, {}).trpc.auth.login.mutate({ email, password: PASSWORD })
  return callerOf(url, { Authorization: `Bearer ${accessToken}` })
}

/** A user of this role who logs in with {@link PASSWORD}. @returns the e-mail address */
export const createUser = async (prisma: PrismaClient, role: UserRole): Promise<string> => {
  const id = newId('user')
  const email = `${id}@example.org`
  await prisma.user.create({
    data: { id, email, displayName: role, role, passwordHash: await hashPassword(PASSWORD) },
  })
  return email
}

const everythingKept = async (prisma: PrismaClient, dataDir: string): Promise<Record<string, number>> => {
  const tables = await prisma.$queryRaw<{ name: string; rows: number }[]>`
    select tablename::text as name,
      (xpath('//rows/text()', query_to_xml(format('select count(*) as rows from %I', tablename), false, true, '')))[1]::text::int
        as rows
    from pg_tables where schemaname = 'public'`
  // What is counted and rolled up comes by itself, some time after what it tells of.
  const lasting = tables.filter(
    ({ name }) => !/^(audit_|statistics_|api_minute|user_activity|hot_query|printer_state_span)/.test(name),
  )
  const kept = Object.fromEntries(lasting.map(({ name, rows }) => [name, rows]))
  const entries = await readdir(join(dataDir, 'files'), { recursive: true, withFileTypes: true }).catch(() => [])
  return { ...kept, 'stored files': entries.filter((entry) => entry.isFile()).length }
}
