import pg from 'pg'

import type { Logger } from '../kernel/logger.port.js'
import { jittered, type Random } from '../kernel/random.js'

export interface NoticeConnectionOptions {
  url: string
  channel: string
  applicationName: string
  log: Logger
  random: Random
  /** How often the connection must prove that it lives, and how long it may take for that. */
  keepaliveMs: number
  onNotice: (payload: string) => void
  /** Called after each (re)connect: notices may have been missed. */
  onConnected: () => void
  /** Called when it is found broken. */
  onLost: () => void
}

const FIRST_PAUSE_MS = 50
const LONGEST_PAUSE_MS = 5_000
const CONNECT_MS = 5_000

/**
 * The one connection of a process that listens, outside the pool. It reconnects by itself, with growing pauses. What is
 * sent while it is down is refused: notices are hints.
 */
export class NoticeConnection {
  private client: pg.Client | null = null
  private timer: NodeJS.Timeout | undefined
  private connecting: Promise<void> | null = null
  private failures = 0
  private stopped = false

  constructor(private readonly options: NoticeConnectionOptions) {}

  /** Connects for the first time. @throws what pg throws when the database is not there */
  async start(): Promise<void> {
    await this.connect()
  }

  /** @returns false when there is no connection or it broke */
  async send(payloads: readonly string[]): Promise<boolean> {
    const { client } = this
    if (client === null) return false
    try {
      await client.query('select pg_notify($1, payload) from unnest($2::text[]) payload', [
        this.options.channel,
        payloads,
      ])
      return true
    } catch (err) {
      this.options.log.warn({ err }, 'a notice could not be sent')
      return false
    }
  }

  async stop(): Promise<void> {
    this.stopped = true
    clearTimeout(this.timer)
    await this.connecting?.catch(() => undefined)
    const { client } = this
    this.client = null
    await client?.end()
  }

  private async connect(): Promise<void> {
    const { url, channel, applicationName, keepaliveMs, log } = this.options
    const client = new pg.Client({
      connectionString: url,
      application_name: applicationName,
      connectionTimeoutMillis: CONNECT_MS,
      query_timeout: keepaliveMs,
      keepAlive: true,
      keepAliveInitialDelayMillis: keepaliveMs,
    })
    client.on('error', (err) => log.warn({ err }, 'the connection for notices failed'))
    client.on('notification', ({ payload }) => this.options.onNotice(payload ?? ''))
    try {
      await client.connect()
      await client.query(`listen ${pg.escapeIdentifier(channel)}`)
    } catch (error) {
      void client.end().catch(() => undefined)
      throw error
    }
    client.once('end', () => this.lost(client))
    this.client = client
    this.failures = 0
    this.scheduleKeepalive(client)
    if (!this.stopped) this.options.onConnected()
  }

  private lost(client: pg.Client): void {
    if (this.client !== client || this.stopped) return
    this.client = null
    this.options.onLost()
    this.reconnectLater()
  }

  private reconnectLater(): void {
    clearTimeout(this.timer)
    const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.failures)
    this.failures += 1
    this.timer = setTimeout(
      () => {
        this.connecting = this.connect().catch((err: unknown) => {
          this.options.log.warn({ err, failures: this.failures }, 'no connection for notices')
          if (!this.stopped) this.reconnectLater()
        })
      },
      jittered(pauseMs, this.options.random),
    )
  }

  /** A peer that vanished without a word is found by asking it. */
  private scheduleKeepalive(client: pg.Client): void {
    clearTimeout(this.timer)
    this.timer = setTimeout(() => {
      client.query('select 1').then(
        () => {
          if (this.client === client && !this.stopped) this.scheduleKeepalive(client)
        },
        (err: unknown) => {
          this.options.log.warn({ err }, 'the connection for notices does not answer')
          this.lost(client)
          void client.end().catch(() => undefined)
        },
      )
    }, this.options.keepaliveMs)
  }
}
