import type { Actor, MachineCounts, Mismatch, PrintOutcome, StartRecord } from './machine.types.js'

/** What is known of a start before it happens. */
interface Start {
  readonly name: string
  readonly startedBy: Actor
  readonly startedAtMs: number
  readonly bedWasOccupied: boolean
  readonly mismatch: Mismatch | null
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** The machine's own book: what was started, how it ended, and what must never happen. */
export class MachineBook {
  readonly starts: StartRecord[] = []
  readonly #startsByName = new Map<string, number>()
  readonly #totals: Mutable<Omit<MachineCounts, 'startsByName'>> = {
    startsOnOccupiedBed: 0,
    secondStarts: 0,
    gcodeWhilePrinting: 0,
    mismatchedStarts: 0,
    starts: 0,
    done: 0,
    failed: 0,
    cancelled: 0,
    filamentUsedMm: 0,
  }

  get counts(): MachineCounts {
    return { ...this.#totals, startsByName: Object.fromEntries(this.#startsByName) }
  }

  /** A person may print what and when they like: only a host's starts can be faults. */
  started(start: Start): StartRecord {
    const { name, startedBy } = start
    const startOfName = (this.#startsByName.get(name) ?? 0) + 1
    this.#startsByName.set(name, startOfName)
    this.#totals.starts++
    if (startedBy === 'host' && start.bedWasOccupied) this.#totals.startsOnOccupiedBed++
    if (startedBy === 'host' && startOfName > 1) this.#totals.secondStarts++
    if (startedBy === 'host' && start.mismatch) this.#totals.mismatchedStarts++
    const record: StartRecord = { ...start, startOfName, endedAtMs: null, outcome: null, filamentUsedMm: 0 }
    this.starts.push(record)
    return record
  }

  ended(record: StartRecord, outcome: PrintOutcome, endedAtMs: number, filamentUsedMm: number): void {
    record.outcome = outcome
    record.endedAtMs = endedAtMs
    record.filamentUsedMm = filamentUsedMm
    this.#totals[outcome]++
    this.#totals.filamentUsedMm += filamentUsedMm
  }

  gcodeWhilePrinting(): void {
    this.#totals.gcodeWhilePrinting++
  }
}
