import { matches } from './drops.js'
import { isCurrent, type TagMoment } from './tag-table.js'

/** A value on its way: looked for in Redis, or being loaded. */
export interface Flight extends TagMoment {
  /** Settles with the value. */
  landing: Promise<unknown>
  beganMs: number
  /** False when the key was dropped meanwhile; what comes then is not kept. */
  kept: boolean
}

/** A load that takes longer is no longer waited for by those who come later. */
const LONGEST_MS = 10_000

/** What is under way, one flight per key. */
export class Flights {
  private readonly flights = new Map<string, Flight>()

  /** A flight that whoever asks now may wait for: nothing that it rests on was invalidated since it began. */
  joinable(key: string, nowMs: number): Flight | undefined {
    const flight = this.flights.get(key)
    return flight !== undefined && isCurrent(flight) && nowMs - flight.beganMs < LONGEST_MS ? flight : undefined
  }

  /** One that nobody may join any more is given up for it. */
  begin(key: string, flight: Flight): void {
    this.drop(key)
    this.flights.set(key, flight)
  }

  end(key: string, flight: Flight): void {
    if (this.flights.get(key) === flight) this.flights.delete(key)
  }

  drop(key: string): void {
    const flight = this.flights.get(key)
    if (flight === undefined) return
    flight.kept = false
    this.flights.delete(key)
  }

  dropMatching(pattern: string): void {
    for (const key of [...this.flights.keys()]) if (matches(pattern, key)) this.drop(key)
  }
}
