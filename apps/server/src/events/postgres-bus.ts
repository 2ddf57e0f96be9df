import type { CommitHook, Committed } from '../kernel/commit-hook.port.js'
import { GantryError } from '../kernel/errors.js'
import type {
  EventBus,
  EventFreshness,
  EventLog,
  NewEvent,
  StoredEvent,
  TelemetryTopic,
  Unsubscribe,
  WakeTopic,
} from '../kernel/events.js'
import { newId } from '../kernel/ids.js'
import type { Stoppable } from '../kernel/lifecycle.js'
import type { Logger } from '../kernel/logger.port.js'
import type { Random } from '../kernel/random.js'
import { EventFollower } from './event-follower.js'
import { Handlers } from './handlers.js'
import { NoticeConnection } from './notice-connection.js'
import { TelemetryBatch } from './telemetry-batch.js'
import { CHANNEL, decodeNotice, decodeValue, encodeNotice, type Notice } from './wire.js'

export interface PostgresBusOptions {
  url: string
  eventLog: EventLog
  log: Logger
  /** Names this process to the others. @default a new instance id */
  processId?: string
  /** Shown in `pg_stat_activity`. @default 'gantry notices' */
  applicationName?: string
  random?: Random
  /** How often events are read without a hint. @default 1000 */
  sweepMs?: number
  /** How long telemetry is gathered for the other processes. @default 250 */
  telemetryMs?: number
  /** Called for every commit that is heard of, of this process and of others. */
  onCommit?: (committed: Committed) => void
  /** Called when the notices of other processes begin to arrive, and when they can arrive no more. */
  onListening?: (isListening: boolean) => void
  /** @default 10 000 */
  keepaliveMs?: number
}

/** The bus between all processes on one database. */
export interface PostgresBus extends EventBus, EventFreshness, CommitHook, Stoppable {
  /** @throws GantryError `UNAVAILABLE` when the database is not there */
  start(): Promise<void>
}

class Bus implements PostgresBus {
  readonly channel = CHANNEL
  private readonly from: string
  private readonly events: Handlers<[StoredEvent]>
  private readonly gaps: Handlers<[]>
  private readonly hearing: Handlers<[boolean]>
  private readonly recordings: Handlers<[readonly NewEvent[]]>
  private readonly telemetry = new Map<string, Handlers<[string, unknown]>>()
  private readonly wakes = new Map<string, Handlers<[]>>()
  private readonly connection: NoticeConnection
  private readonly follower: EventFollower
  private readonly batch: TelemetryBatch
  private readonly topicsToSend = new Set<WakeTopic>()
  private telemetryTimer: NodeJS.Timeout | undefined
  private readonly sending = new Set<Promise<unknown>>()
  private stopped = false
  private hears = false

  constructor(private readonly options: PostgresBusOptions) {
    const { url, eventLog, log, random = Math.random, sweepMs = 1_000, keepaliveMs = 10_000 } = options
    this.from = options.processId ?? newId('instance')
    this.events = new Handlers(log, 'event')
    this.gaps = new Handlers(log, 'gap')
    this.hearing = new Handlers(log, 'hearing')
    this.recordings = new Handlers(log, 'recording')
    this.batch = new TelemetryBatch(this.from, log)
    this.follower = new EventFollower({
      eventLog,
      log,
      sweepMs,
      onEvent: (event) => this.events.call(event),
      onGap: () => this.gaps.call(),
    })
    this.connection = new NoticeConnection({
      url,
      channel: CHANNEL,
      applicationName: options.applicationName ?? 'gantry notices',
      log,
      random,
      keepaliveMs,
      onNotice: (payload) => this.receive(payload),
      onConnected: () => this.catchUp(),
      onLost: () => this.setHearing(false),
    })
  }

  async start(): Promise<void> {
    try {
      await this.follower.start()
      await this.connection.start()
    } catch (cause) {
      await this.stop()
      throw new GantryError('UNAVAILABLE', { detail: 'the bus cannot reach the database', cause })
    }
  }

  async stop(): Promise<void> {
    this.stopped = true
    clearTimeout(this.telemetryTimer)
    await this.follower.stop()
    await Promise.all(this.sending)
    await this.connection.stop()
  }

  currentAsOfMs(): number {
    return this.follower.currentAsOfMs
  }

  onEvent(handler: (event: StoredEvent) => void): Unsubscribe {
    return this.events.add(handler)
  }

  onRecorded(handler: (events: readonly NewEvent[]) => void): Unsubscribe {
    return this.recordings.add(handler)
  }

  onGap(handler: () => void): Unsubscribe {
    return this.gaps.add(handler)
  }

  onHearing(handler: (hears: boolean) => void): Unsubscribe {
    const unsubscribe = this.hearing.add(handler)
    handler(this.hears)
    return unsubscribe
  }

  publishTelemetry(topic: TelemetryTopic, key: string, value: unknown): void {
    this.telemetry.get(topic)?.call(key, value)
    if (this.stopped) return
    this.batch.put(topic, key, value)
    this.telemetryTimer ??= setTimeout(() => {
      this.telemetryTimer = undefined
      this.send(this.batch.takeNotices())
    }, this.options.telemetryMs ?? 250)
  }

  onTelemetry(topic: TelemetryTopic, handler: (key: string, value: unknown) => void): Unsubscribe {
    return this.handlersOf(this.telemetry, topic, 'telemetry').add(handler)
  }

  wake(topic: WakeTopic): void {
    if (this.stopped) return
    if (this.topicsToSend.size === 0) setImmediate(() => this.sendWakes())
    this.topicsToSend.add(topic)
    this.wakes.get(topic)?.call()
  }

  onWake(topic: WakeTopic, handler: () => void): Unsubscribe {
    return this.handlersOf(this.wakes, topic, 'wake').add(handler)
  }

  notice(committed: Committed): string {
    return encodeNotice({ kind: 'commit', from: this.from, ...committed })
  }

  committed(committed: Committed, recorded: readonly NewEvent[] = []): void {
    if (recorded.length > 0) this.recordings.call(recorded)
    const { events, jobs } = committed
    this.options.onCommit?.(committed)
    if (events) this.follower.poke()
    if (jobs) this.wakes.get('outbox' satisfies WakeTopic)?.call()
  }

  private receive(payload: string): void {
    const notice = decodeNotice(payload)
    if (notice === null || notice.from === this.from || this.stopped) return
    this.take(notice)
  }

  private take(notice: Notice): void {
    switch (notice.kind) {
      case 'commit':
        this.committed(notice)
        break
      case 'wake':
        for (const topic of notice.topics) this.wakes.get(topic)?.call()
        break
      case 'telemetry':
        for (const [key, value] of notice.entries) this.telemetry.get(notice.topic)?.call(key, decodeValue(value))
        break
    }
  }

  private setHearing(hears: boolean): void {
    this.hears = hears
    this.options.onListening?.(hears)
    this.hearing.call(hears)
  }

  /** Whatever was said while nobody listened is looked for. */
  private catchUp(): void {
    this.setHearing(true)
    this.follower.poke()
    for (const handlers of this.wakes.values()) handlers.call()
  }

  private sendWakes(): void {
    const topics = [...this.topicsToSend]
    this.topicsToSend.clear()
    this.send([encodeNotice({ kind: 'wake', from: this.from, topics })])
  }

  private send(payloads: string[]): void {
    if (payloads.length === 0 || this.stopped) return
    const sent = this.connection.send(payloads)
    this.sending.add(sent)
    void sent.finally(() => this.sending.delete(sent))
  }

  private handlersOf<A extends unknown[]>(map: Map<string, Handlers<A>>, topic: string, what: string): Handlers<A> {
    const handlers = map.get(topic) ?? new Handlers<A>(this.options.log, `${what} ${topic}`)
    map.set(topic, handlers)
    return handlers
  }
}

/** Makes the bus; `start()` connects it. */
export const createPostgresBus = (options: PostgresBusOptions): PostgresBus => new Bus(options)
