import type { RawData, WebSocket } from 'ws'
import type { Access, User } from './access.js'
import type { OctoPrintInstance } from './octoprint-instance.js'
import { jobBlock, progressBlock, stateBlock, stateText, temperatures } from './state-view.js'

/** An idle printer's temperatures arrive about once a second. */
const IDLE_INTERVAL_MS = 1000
const MAX_BUFFERED_BYTES = 4 * 1024 * 1024

interface Subscription {
  state: boolean
  /** true: all; a set: those types. */
  events: boolean | ReadonlySet<string>
}

/** One client of the push socket: subscribe, auth, throttle in; history, current, event out. */
export class PushClient {
  #subscription: Subscription = { state: true, events: true }
  #user: User | null = null
  #throttle = 1
  #lastSentMs = 0
  #lastState = ''

  constructor(
    private readonly socket: WebSocket,
    private readonly instance: OctoPrintInstance,
    private readonly access: Access,
    private readonly reportIntervalMs: number,
  ) {
    socket.on('message', (data) => this.#receive(data))
  }

  send(frame: object): void {
    // A client that does not read is dropped, as its buffer would grow for ever.
    if (this.socket.bufferedAmount > MAX_BUFFERED_BYTES) this.socket.terminate()
    else if (this.socket.readyState === this.socket.OPEN) this.socket.send(JSON.stringify(frame))
  }

  event(type: string, payload: object): void {
    const { events } = this.#subscription
    const wanted = typeof events === 'boolean' ? events : events.has(type)
    if (this.#user && wanted) this.send({ event: { type, payload } })
  }

  /** Called at every report interval. */
  report(): void {
    if (!this.#user || !this.#subscription.state) return
    const { machine, link } = this.instance
    const nowMs = this.instance.clock.wallMs()
    const state = stateText(link, machine.state)
    const changed = state !== this.#lastState
    // Nothing at all is pushed while the printer is offline.
    if (link !== 'connected' && !changed) return
    const working = this.instance.hasActiveJob || machine.executingManualGcode
    const interval =
      (working ? this.reportIntervalMs : Math.max(this.reportIntervalMs, IDLE_INTERVAL_MS)) * this.#throttle
    // The timer's own jitter must not skip a report.
    if (!changed && nowMs - this.#lastSentMs < interval * 0.9) return
    this.#lastState = state
    this.#lastSentMs = nowMs
    this.send({ current: { ...this.#snapshot(), busyFiles: this.#busyFiles() } })
  }

  #receive(data: RawData): void {
    const message = parseObject(data)
    if (!message) return
    if ('subscribe' in message) this.#subscribe(message['subscribe'])
    if ('throttle' in message) this.#setThrottle(message['throttle'])
    if (typeof message['auth'] === 'string') this.#authenticate(message['auth'])
  }

  #subscribe(value: unknown): void {
    if (typeof value !== 'object' || value === null) return
    const { state, events } = value as { state?: unknown; events?: unknown }
    this.#subscription = {
      state: state !== undefined && state !== false,
      events: Array.isArray(events) ? new Set(events.map(String)) : events === true,
    }
  }

  #setThrottle(value: unknown): void {
    if (typeof value === 'number' && Number.isInteger(value) && value >= 1) this.#throttle = value
  }

  #authenticate(auth: string): void {
    const separator = auth.indexOf(':')
    this.#user = this.access.userOfSession(auth.slice(0, separator), auth.slice(separator + 1))
    if (!this.#user) {
      this.send({ reauthRequired: { reason: 'stale' } })
      return
    }
    this.send({ history: this.#snapshot() })
    this.send({ timelapse: null })
    this.event('ClientAuthed', { username: this.#user.name, remoteAddress: '127.0.0.1' })
  }

  #snapshot(): object {
    const { instance } = this
    const { machine, link, clock } = instance
    const time = clock.wallMs() / 1000
    return {
      state: stateBlock(instance),
      job: jobBlock(instance),
      progress: progressBlock(instance),
      currentZ: machine.position.z,
      offsets: {},
      resends: { count: 0, transmitted: 0, ratio: 0 },
      temps: [
        link === 'connected'
          ? { time, ...temperatures(instance, false), chamber: { actual: null, target: null } }
          : { time },
      ],
      logs: [],
      messages: [],
      serverTime: time,
      markings: [],
    }
  }

  #busyFiles(): object[] {
    const path = this.instance.machine.job?.name
    return path === undefined ? [] : [{ origin: 'local', path }]
  }
}

function parseObject(data: RawData): Record<string, unknown> | null {
  try {
    const text = Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data as Buffer)
    const value: unknown = JSON.parse(text.toString('utf8'))
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null
  } catch {
    // OctoPrint ignores what it cannot read.
    return null
  }
}
