import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL, fileURLToPath } from 'node:url'

import { loadSecrets } from '../../../src/adapters/secrets/load-secrets.js'
import { createDatabase } from '../../../src/db/client.js'
import { createLogger } from '../../../src/observability/logger.js'
import { callerOf, createUser, PASSWORD, uploaded } from '../../../src/testing/app-under-test.js'
import { createTestDatabase } from '../../../src/testing/database.js'
import { TINY_GCODE } from '../../../src/testing/tiny-gcode.js'
import { ServerProcesses } from '../server-process.js'
import type { Lab } from './attack.js'

const LOOP_WATCH = pathToFileURL(fileURLToPath(new URL('../../fixtures/loop-watch.ts', import.meta.url))).href
const SECRET_KEY = randomBytes(32)

/** Of the server's own process. */
export interface LoopFigures {
  /** How late its turns came, whoever took the processor. */
  delayP99Ms: number
  /** How long the server's own work held it. */
  heldP99Ms: number
}

/** A server as users start it, with a few things in it, that tells how its event loop does. */
export interface WatchedServer extends AsyncDisposable {
  lab: Lab
  isAlive(): boolean
  /** What it wrote to its terminal. */
  terminal(): string
  /** Since this was last called with `begin`. */
  loop(order: 'begin' | 'look'): Promise<LoopFigures>
}

export const startWatchedServer = async (settings: Record<string, string> = {}): Promise<WatchedServer> => {
  const database = await createTestDatabase()
  const dataDir = await mkdtemp(join(tmpdir(), 'gantry-adversarial-'))
  const servers = new ServerProcesses(dataDir)
  const server = servers.start(
    {
      ...{ DATABASE_URL: database.url, GANTRY_ADMIN_PASSWORD: PASSWORD, RATE_LIMIT_PER_MINUTE: '1000000' },
      ...{ GANTRY_SECRET_KEY: SECRET_KEY.toString('base64'), CORS_ORIGINS: 'https://farm.example' },
      ...{ GANTRY_ROLES: 'api', ...settings },
    },
    [LOOP_WATCH],
  )
  const { child } = server
  const url = await server.ready()
  return {
    lab: await furnished(url, database.url),
    isAlive: () => child.exitCode === null && child.signalCode === null,
    terminal: server.terminal,
    loop: async (order) => {
      const told = once(child, 'message') as Promise<[LoopFigures]>
      child.send(order)
      return (await told)[0]
    },
    [Symbol.asyncDispose]: async () => {
      await servers.killAll()
      await database.drop()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

const logIn = async (url: string, email: string): Promise<string> =>
  (await callerOf(url, {}).trpc.auth.login.mutate({ email, password: PASSWORD })).accessToken

const viewerIn = async (databaseUrl: string): Promise<string> => {
  const log = createLogger({ level: 'silent' })
  const database = createDatabase({ url: databaseUrl, poolSize: 1, timeoutMs: 10_000, log, applicationName: 'the lab' })
  try {
    return await createUser(database.prisma, 'viewer')
  } finally {
    await database.close()
  }
}

const furnished = async (url: string, databaseUrl: string): Promise<Lab> => {
  const adminToken = await logIn(url, 'admin@gantry.local')
  const viewerToken = await logIn(url, await viewerIn(databaseUrl))
  const admin = callerOf(url, { Authorization: `Bearer ${adminToken}` })
  const file = await uploaded(admin, 'tiny.gcode', TINY_GCODE)
  const host = { kind: 'octoprint', url: 'http://192.168.255.1', checkConnection: false } as const
  const printer = await admin.trpc.printers.create.mutate({ name: 'Cellar', ...host })
  const project = await admin.trpc.projects.create.mutate({ name: 'Project', parts: [] })
  const { signingKeys } = await loadSecrets({ dataDir: '', secretKey: SECRET_KEY })
  const ids = { fileId: file.id, printerId: printer.id, projectId: project.id }
  return { url, adminToken, viewerToken, signingKey: signingKeys()[0], ...ids }
}
