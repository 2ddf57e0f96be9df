import { join } from 'node:path'

import pg from 'pg'

import { startEmbeddedPostgres, type EmbeddedPostgres } from '../../src/db/embedded/embedded-postgres.js'
import { inspectPostmaster, isRunning } from '../../src/db/embedded/postmaster-file.js'
import {
  createTemplateDatabase,
  databaseUrl,
  dropDatabase,
  runSql,
  TEMPLATE_DATABASE,
} from '../../src/testing/template-database.js'
import { eventually } from '../eventually.js'
import type { Children } from './children.js'
import type { Address } from './tcp-proxy.js'

const PRISMA_FOLDER = new URL('../../../../prisma', import.meta.url).pathname
const log = { info: () => undefined }

/** A primary that an experiment may stop and start. */
export interface BreakableDatabase {
  /** What `pg_ctl stop -m immediate` does: every process of the server ends at once, and the next start recovers. */
  crash(): Promise<void>
  /** Until it answers. */
  boot(): Promise<void>
}

/** The one PostgreSQL that all instances of all experiments share; each experiment has a database of its own on it. */
export class SharedPostgres implements BreakableDatabase {
  private server: EmbeddedPostgres | null = null
  private readonly cluster: string

  constructor(private readonly dataDir: string) {
    this.cluster = join(dataDir, 'postgres', 'cluster')
  }

  async start(children: Children): Promise<void> {
    children.watchCluster(this.cluster)
    await this.boot()
    await createTemplateDatabase(this.url, PRISMA_FOLDER)
  }

  get url(): string {
    if (this.server === null) throw new Error('PostgreSQL is not running')
    return this.server.url
  }

  get address(): Address {
    return { host: '127.0.0.1', port: Number(new URL(this.url).port) }
  }

  async createDatabase(name: string): Promise<Database> {
    await runSql(this.url, `CREATE DATABASE ${name} TEMPLATE ${TEMPLATE_DATABASE}`)
    return new Database(name, () => databaseUrl(this.url, name))
  }

  async dropDatabase(name: string): Promise<void> {
    await dropDatabase(this.url, name)
  }

  async crash(): Promise<void> {
    const state = await inspectPostmaster(this.cluster)
    if (state.kind !== 'live') throw new Error('PostgreSQL is not running')
    const { postmaster } = state
    process.kill(postmaster.pid, 'SIGQUIT')
    await eventually('PostgreSQL has ended', async () => !(await isRunning(postmaster)))
  }

  async boot(): Promise<void> {
    // Commits survive the death of every process; only a power cut, which is none of the faults, would lose them.
    this.server = await startEmbeddedPostgres({ dataDir: this.dataDir, log, fast: true })
  }

  async stop(): Promise<void> {
    await this.server?.stop()
    this.server = null
  }
}

/** The bench's own way to the database, past all proxies. */
export class Database {
  private pool: pg.Pool | null = null

  constructor(
    readonly name: string,
    private readonly url: () => string,
  ) {}

  /** @throws pg's error; see {@link steadily} for a database that may be down */
  async query<T extends pg.QueryResultRow>(sql: string, values: unknown[] = []): Promise<T[]> {
    this.pool ??= this.open()
    return (await this.pool.query<T>(sql, values)).rows
  }

  /** Asks again for as long as the database is down. */
  async steadily<T extends pg.QueryResultRow>(sql: string, values: unknown[] = []): Promise<T[]> {
    return await eventually('the database answers', async () => {
      try {
        return await this.query<T>(sql, values)
      } catch (error) {
        // Anything but a broken connection is the bench's own mistake.
        if (error instanceof pg.DatabaseError && !/^(08|57)/.test(error.code ?? '')) throw error
        await this.close()
        return undefined
      }
    })
  }

  async close(): Promise<void> {
    const { pool } = this
    this.pool = null
    await pool?.end()
  }

  private open(): pg.Pool {
    const pool = new pg.Pool({ connectionString: this.url(), max: 3, connectionTimeoutMillis: 5_000 })
    // A connection that breaks while nobody uses it; the next query makes another.
    pool.on('error', () => undefined)
    return pool
  }
}
