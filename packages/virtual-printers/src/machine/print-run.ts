import type { GcodeSource } from './gcode-source.js'
import { LayerTracker } from './layer-tracker.js'
import { LineReader } from './line-reader.js'
import type { PrintJob, PrintOutcome, StartRecord } from './machine.types.js'

/** The running print: its file, its times (machine ms) and what was read from the file. */
export class PrintRun {
  readonly reader: LineReader
  readonly layers = new LayerTracker()
  m73Progress: number | null = null
  m73RemainingSeconds: number | null = null
  #netExtrudedMm = 0
  #filamentMm = 0
  #pausedMs = 0
  #pausedSinceMs: number | null = null
  #firstExtrusionMs: number | null = null
  #pausedBeforeExtrusionMs = 0

  constructor(
    readonly record: StartRecord,
    private readonly source: GcodeSource,
    private readonly startedMs: number,
  ) {
    this.reader = new LineReader(source)
  }

  extruded(mm: number, nowMs: number): void {
    this.#netExtrudedMm += mm
    // Retractions are given back by the next move: only a new maximum is filament used.
    this.#filamentMm = Math.max(this.#filamentMm, this.#netExtrudedMm)
    if (mm > 0 && this.#firstExtrusionMs === null) {
      this.#firstExtrusionMs = nowMs
      this.#pausedBeforeExtrusionMs = this.#pausedMs
    }
  }

  paused(nowMs: number): void {
    this.#pausedSinceMs ??= nowMs
  }

  resumed(nowMs: number): void {
    if (this.#pausedSinceMs !== null) this.#pausedMs += nowMs - this.#pausedSinceMs
    this.#pausedSinceMs = null
  }

  /** As if everything had been executed. */
  skipToEnd(): void {
    this.reader.position = this.source.sizeBytes
  }

  close(): void {
    this.source.close()
  }

  job(nowMs: number, end?: { outcome: PrintOutcome; failure: string | null; wallMs: number }): PrintJob {
    const { sizeBytes } = this.source
    const pausedMs = this.#pausedMs + (this.#pausedSinceMs === null ? 0 : nowMs - this.#pausedSinceMs)
    const first = this.#firstExtrusionMs
    return {
      name: this.record.name,
      startedBy: this.record.startedBy,
      sizeBytes,
      positionBytes: this.reader.position,
      progress: sizeBytes === 0 ? 0 : Math.min(1, this.reader.position / sizeBytes),
      startedAtMs: this.record.startedAtMs,
      endedAtMs: end?.wallMs ?? null,
      printTimeSeconds: (nowMs - this.startedMs - pausedMs) / 1000,
      totalTimeSeconds: (nowMs - this.startedMs) / 1000,
      extrusionTimeSeconds: first === null ? 0 : (nowMs - first - (pausedMs - this.#pausedBeforeExtrusionMs)) / 1000,
      layer: this.layers.layer,
      totalLayers: this.layers.total,
      m73Progress: this.m73Progress,
      m73RemainingSeconds: this.m73RemainingSeconds,
      filamentUsedMm: this.#filamentMm,
      outcome: end?.outcome ?? null,
      failure: end?.failure ?? null,
    }
  }
}
