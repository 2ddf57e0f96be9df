import { assertSpeed, type Clock } from './clock.js'
import type { Scheduler } from './scheduler.js'

interface Task {
  intervalMs: number
  dueWallMs: number
  run: () => void
}

/** Clock and scheduler that move only by `advance()`; for tests without sleeps. */
export class ManualTime implements Clock, Scheduler {
  speed = 1
  #machineMs = 0
  #wallMs: number
  readonly #tasks = new Set<Task>()

  constructor(startWallMs = Date.UTC(2026, 0, 1)) {
    this.#wallMs = startWallMs
  }

  nowMs(): number {
    return this.#machineMs
  }

  wallMs(): number {
    return this.#wallMs
  }

  setSpeed(speed: number): void {
    assertSpeed(speed)
    this.speed = speed
  }

  every(intervalMs: number, run: () => void): () => void {
    const task = { intervalMs: Math.max(1, intervalMs), dueWallMs: this.#wallMs + Math.max(1, intervalMs), run }
    this.#tasks.add(task)
    return () => this.#tasks.delete(task)
  }

  grantLines(wanted: number): number {
    return wanted
  }

  /** Moves wall time by `wallMs` (machine time by that × speed) and runs every task that falls due, in order. */
  advance(wallMs: number): void {
    const endMs = this.#wallMs + wallMs
    for (;;) {
      const next = [...this.#tasks].sort((a, b) => a.dueWallMs - b.dueWallMs)[0]
      if (!next || next.dueWallMs > endMs) break
      this.#moveTo(next.dueWallMs)
      next.dueWallMs += next.intervalMs
      next.run()
    }
    this.#moveTo(endMs)
  }

  #moveTo(wallMs: number): void {
    this.#machineMs += (wallMs - this.#wallMs) * this.speed
    this.#wallMs = wallMs
  }
}
