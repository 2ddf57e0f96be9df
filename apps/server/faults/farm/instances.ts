import { randomBytes } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

import { stopAbandonedPostgres } from '../../src/db/embedded/embedded-postgres.js'
import { databaseUrl } from '../../src/testing/template-database.js'
import { GantryInstance } from './gantry-instance.js'
import { Database, type BreakableDatabase } from './postgres.js'
import type { ReadLayers } from './read-layers.js'
import { TcpProxy, type Address } from './tcp-proxy.js'
import type { FarmOptions, FarmPlace } from './farm.js'

export const EMAIL = 'bench@gantry.local'

/** The processes of an installation, with what they share. */
export interface Installation {
  instances: GantryInstance[]
  /** One per instance, between it and the database; none where the database is its own. */
  links: TcpProxy[]
  password: string
  /** The primary, to be stopped and started. */
  postgres: BreakableDatabase
  /** What stands before the primary when lists are read; null in the plain shape. */
  layers: ReadLayers | null
  /** The bench's own way to the database, once an instance is ready. */
  database(): Promise<Database>
  /** Takes down what is left when the instances have ended. */
  close(): Promise<void>
}

/** Instances on the bench's PostgreSQL, in a database of their own, each behind a proxy of its own. */
export const sharedInstallation = async (options: FarmOptions, place: FarmPlace): Promise<Installation> => {
  const { postgres, folder } = place
  const name = `faults_${randomBytes(6).toString('hex')}`
  const db = await postgres.createDatabase(name)
  const { password, environment } = await settings(folder)
  const links: TcpProxy[] = []
  const instances: GantryInstance[] = []
  for (let index = 0; index < options.instances; index += 1) {
    const link = new TcpProxy(() => postgres.address)
    links.push(link)
    const url = await urlThrough(link, databaseUrl(postgres.url, name))
    instances.push(instanceOf(options, place, index, { ...environment, DATABASE_URL: url }))
  }
  const close = async () => {
    for (const link of links) await link.stop()
    await postgres.dropDatabase(name)
  }
  return { instances, links, password, postgres, layers: null, database: () => Promise.resolve(db), close }
}

/** One instance on a PostgreSQL of its own, as it is without any setting. */
export const embeddedInstallation = async (options: FarmOptions, place: FarmPlace): Promise<Installation> => {
  const { password, environment, dataDir } = await settings(place.folder)
  place.children.watchCluster(join(dataDir, 'postgres', 'cluster'))
  const instance = instanceOf(options, place, 0, environment)
  const database = async () => {
    const file = await readFile(join(dataDir, 'postgres', 'credentials.json'), 'utf8')
    const { password: secret, lastPort } = JSON.parse(file) as { password: string; lastPort: number }
    const url = `postgresql://gantry:${secret}@127.0.0.1:${lastPort}/gantry`
    return new Database('gantry', () => url)
  }
  const close = async () => {
    await stopAbandonedPostgres({ dataDir, log: { info: () => undefined } })
  }
  return { instances: [instance], links: [], password, postgres: place.postgres, layers: null, database, close }
}

export const instanceOf = (
  { preload, environment: own }: FarmOptions,
  { folder, logs, children }: FarmPlace,
  index: number,
  environment: Record<string, string>,
): GantryInstance => {
  const name = `gantry-${index + 1}`
  const logFile = join(logs, `${name}.log`)
  return new GantryInstance({
    ...{ name, folder, logFile, children, preload: preload?.(index) ?? [] },
    environment: { ...environment, ...own?.(index) },
  })
}

/** The same URL, by way of a proxy. */
export const urlThrough = async (link: TcpProxy, target: string): Promise<string> => {
  const url = new URL(target)
  url.port = String(await link.start())
  return url.href
}

export const addressIn = (url: string): Address => ({ host: '127.0.0.1', port: Number(new URL(url).port) })

/** What all instances of an installation share. */
export const settings = async (folder: string) => {
  const dataDir = join(folder, 'data')
  await mkdir(dataDir, { recursive: true })
  const password = randomBytes(12).toString('base64url')
  const environment = {
    GANTRY_DATA_DIR: dataDir,
    GANTRY_SECRET_KEY: randomBytes(32).toString('base64'),
    GANTRY_ADMIN_EMAIL: EMAIL,
    GANTRY_ADMIN_PASSWORD: password,
    PORT: '0',
    PRINTER_ALLOW_LOOPBACK: 'true',
    // In place and counting, only out of the way.
    RATE_LIMIT_PER_MINUTE: '1000000',
    SHUTDOWN_DRAIN_SECONDS: '0',
  }
  return { dataDir, password, environment }
}
