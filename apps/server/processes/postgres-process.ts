import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'

import type pg from 'pg'

import type { PostgresAccount } from '../src/db/embedded/account.js'
import { applicationUrl, asAdmin } from '../src/db/embedded/connection.js'
import type { Credentials } from '../src/db/embedded/credentials.js'
import { postgresEnvironment } from '../src/db/embedded/run-program.js'
import { serverArguments } from '../src/db/embedded/server-settings.js'

/** The server ends with whoever started it, however that ends: it loses its standard input. */
const SCRIPT = '"$@" & pid=$!; cat >/dev/null; kill -QUIT $pid; wait $pid'

const STREAMING = {
  wal_level: 'replica',
  max_wal_senders: '10',
  wal_keep_size: '64MB',
  hot_standby: 'on',
  wal_receiver_status_interval: '1s',
  // How soon a replica that lost its primary, or was far behind it, looks again.
  wal_retrieve_retry_interval: '100ms',
  // Three servers share the machine with all that is tested on them.
  shared_buffers: '32MB',
}

const START_MS = 30_000
const LOOK_EVERY_MS = 20

export interface PostgresProcessOptions {
  cluster: string
  port: number
  postgres: string
  account: PostgresAccount
  credentials: Credentials
}

/** One server that may be stopped, killed and started again on the same port and data. */
export class PostgresProcess {
  private child: ChildProcess | null = null

  constructor(private readonly options: PostgresProcessOptions) {}

  /** As the application connects. */
  get url(): string {
    return applicationUrl(this.options.port, this.options.credentials)
  }

  /** @throws Error when it does not accept connections within half a minute */
  async start(): Promise<void> {
    const { cluster, port, postgres, account } = this.options
    const streaming = Object.entries(STREAMING).flatMap(([name, value]) => ['-c', `${name}=${value}`])
    const server = [postgres, ...serverArguments(cluster, port, { fast: true }), ...streaming]
    const { command, args, ...ids } = account.launch('sh', ['-c', SCRIPT, 'sh', ...server])
    const stdio: ['pipe', 'ignore', 'ignore'] = ['pipe', 'ignore', 'ignore']
    const child = spawn(command, args, { ...ids, cwd: '/', env: postgresEnvironment, stdio })
    this.child = child
    await this.answering()
  }

  /** As `pg_ctl stop -m immediate`: nothing is written, and the next start recovers. Idempotent. */
  async stop(): Promise<void> {
    const { child } = this
    if (child === null) return
    this.child = null
    const ended = once(child, 'exit')
    child.stdin?.end()
    await ended
  }

  /** As superuser, on a connection of its own. */
  asAdmin<T>(work: (client: pg.Client) => Promise<T>): Promise<T> {
    const { port, credentials } = this.options
    return asAdmin(port, credentials, work)
  }

  private async answering(): Promise<void> {
    const endMs = performance.now() + START_MS
    for (;;) {
      try {
        await this.asAdmin((client) => client.query('select 1'))
        return
      } catch (error) {
        if (performance.now() > endMs) throw new Error('PostgreSQL does not start', { cause: error })
        await sleep(LOOK_EVERY_MS)
      }
    }
  }
}
