import type { TelemetryTopic } from '../kernel/events.js'
import type { Logger } from '../kernel/logger.port.js'
import { encodeNotice, encodeValue, MAX_NOTICE_BYTES, type TelemetryEntry } from './wire.js'

/** The latest value per topic and key since the last sending, cut into notices that PostgreSQL takes. */
export class TelemetryBatch {
  private readonly latest = new Map<TelemetryTopic, Map<string, unknown>>()

  constructor(
    private readonly from: string,
    private readonly log: Logger,
  ) {}

  put(topic: TelemetryTopic, key: string, value: unknown): void {
    const values = this.latest.get(topic) ?? new Map<string, unknown>()
    this.latest.set(topic, values.set(key, value))
  }

  /** Takes everything out, as notices of at most {@link MAX_NOTICE_BYTES}. */
  takeNotices(): string[] {
    const notices = [...this.latest].flatMap(([topic, values]) => this.noticesOf(topic, values))
    this.latest.clear()
    return notices
  }

  private noticesOf(topic: TelemetryTopic, values: ReadonlyMap<string, unknown>): string[] {
    const wrap = (entries: TelemetryEntry[]) => encodeNotice({ kind: 'telemetry', from: this.from, topic, entries })
    const room = MAX_NOTICE_BYTES - Buffer.byteLength(wrap([]))
    const chunks: TelemetryEntry[][] = []
    let left = 0
    for (const [key, value] of values) {
      const entry: TelemetryEntry = [key, encodeValue(value)]
      const bytes = Buffer.byteLength(JSON.stringify(entry)) + 1
      if (bytes > room) {
        this.log.warn({ topic, key, bytes }, 'telemetry too large for other processes')
        continue
      }
      if (bytes > left || chunks.length === 0) {
        chunks.push([])
        left = room
      }
      chunks.at(-1)?.push(entry)
      left -= bytes
    }
    return chunks.map(wrap)
  }
}
