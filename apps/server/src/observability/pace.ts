import type { SystemPerformance } from '@gantry/schemas'

import { DURATION_CLASSES, durationAt, durationClass } from '../kernel/job-runs.js'

interface Tally {
  calls: number
  errors: number
  failures: number
  /** Calls by class of duration. */
  took: number[]
}

interface Slot {
  minute: number
  requests: Tally
  procedures: Map<string, Tally>
}

/** How a call ended: `failed` is the server's fault. */
export type CallEnd = 'ok' | 'refused' | 'failed'

const MINUTE_MS = 60_000
/** The minute that runs and those before it. */
const MINUTES = 5

const emptyTally = (): Tally => ({ calls: 0, errors: 0, failures: 0, took: Array<number>(DURATION_CLASSES).fill(0) })

const count = (tally: Tally, end: CallEnd, seconds: number): void => {
  tally.calls += 1
  if (end !== 'ok') tally.errors += 1
  if (end === 'failed') tally.failures += 1
  const index = durationClass(seconds * 1_000)
  tally.took[index] = (tally.took[index] ?? 0) + 1
}

const sumOf = (tallies: readonly Tally[]): Tally => {
  const sum = emptyTally()
  for (const { calls, errors, failures, took } of tallies) {
    sum.calls += calls
    sum.errors += errors
    sum.failures += failures
    for (const [index, calls] of took.entries()) sum.took[index] = (sum.took[index] ?? 0) + calls
  }
  return sum
}

const rounded = (value: number): number => Math.round(value * 10_000) / 10_000

const figuresOf = ({ calls, errors, failures, took }: Tally, windowSeconds: number) => ({
  ...{ calls, errors, failures },
  callsPerSecond: rounded(calls / Math.max(1, windowSeconds)),
  errorRate: calls === 0 ? null : rounded(errors / calls),
  failureRate: calls === 0 ? null : rounded(failures / calls),
  tookMs: { p50: durationAt(took, 0.5), p95: durationAt(took, 0.95), p99: durationAt(took, 0.99) },
})

/** What this process answered in the last minutes, in counts that fit into a few kilobytes for each procedure. */
export class Pace {
  private slots: Slot[] = []
  private readonly startedMs: number

  /** @param nowMs a clock that only grows */
  constructor(private readonly nowMs: () => number = () => performance.now()) {
    this.startedMs = nowMs()
  }

  request(end: CallEnd, seconds: number): void {
    count(this.slot().requests, end, seconds)
  }

  /** @param name one that the router knows, so that there are not too many */
  procedure(name: string, end: CallEnd, seconds: number): void {
    const { procedures } = this.slot()
    let tally = procedures.get(name)
    if (tally === undefined) procedures.set(name, (tally = emptyTally()))
    count(tally, end, seconds)
  }

  read(): SystemPerformance {
    const nowMs = this.nowMs()
    const newest = this.slot().minute
    const slots = this.slots.filter(({ minute }) => minute > newest - MINUTES)
    const sinceMs = Math.max(this.startedMs, (newest - MINUTES + 1) * MINUTE_MS)
    const windowSeconds = rounded((nowMs - sinceMs) / 1_000)
    const names = new Set(slots.flatMap(({ procedures }) => [...procedures.keys()]))
    const procedures = [...names].map((procedure) => {
      const tallies = slots.flatMap((slot) => slot.procedures.get(procedure) ?? [])
      return { procedure, ...figuresOf(sumOf(tallies), windowSeconds) }
    })
    return {
      windowSeconds,
      requests: figuresOf(sumOf(slots.map(({ requests }) => requests)), windowSeconds),
      procedures: procedures.sort((a, b) => b.calls - a.calls || a.procedure.localeCompare(b.procedure)),
    }
  }

  private slot(): Slot {
    const minute = Math.floor(this.nowMs() / MINUTE_MS)
    const last = this.slots.at(-1)
    if (last?.minute === minute) return last
    const slot = { minute, requests: emptyTally(), procedures: new Map<string, Tally>() }
    this.slots = [...this.slots.filter((kept) => kept.minute > minute - MINUTES), slot]
    return slot
  }
}
