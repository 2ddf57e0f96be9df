import type { Scheduler } from './scheduler.js'

const TICK_MS = 50
const SLOTS = 128
/** Lines of g-code that all machines of a fleet together may execute in one tick: about a third of one core. */
const LINES_PER_TICK = 10_000

interface Task {
  readonly intervalTicks: number
  readonly run: () => void
  rounds: number
  cancelled: boolean
}

/** One timer for a whole fleet; it stands still while nobody waits for it. */
export class TimerWheel implements Scheduler {
  readonly #slots: Task[][] = Array.from({ length: SLOTS }, () => [])
  #tick = 0
  #active = 0
  #timer: NodeJS.Timeout | null = null
  #linesLeft = LINES_PER_TICK
  /** Spreads tasks of equal interval over its ticks. */
  #stagger = 0

  every(intervalMs: number, run: () => void): () => void {
    const intervalTicks = Math.max(1, Math.ceil(intervalMs / TICK_MS))
    const task: Task = { intervalTicks, run, rounds: 0, cancelled: false }
    this.#insert(task, 1 + (this.#stagger++ % intervalTicks))
    this.#active++
    this.#timer ??= setInterval(() => this.#run(), TICK_MS)
    return () => this.#cancel(task)
  }

  grantLines(wanted: number): number {
    const granted = Math.min(wanted, this.#linesLeft)
    this.#linesLeft -= granted
    return granted
  }

  #cancel(task: Task): void {
    if (task.cancelled) return
    task.cancelled = true
    if (--this.#active > 0) return
    clearInterval(this.#timer ?? undefined)
    this.#timer = null
    for (const slot of this.#slots) slot.length = 0
  }

  #insert(task: Task, ticks: number): void {
    task.rounds = Math.floor((ticks - 1) / SLOTS)
    this.#slots[(this.#tick + ticks) % SLOTS]?.push(task)
  }

  #run(): void {
    this.#tick++
    this.#linesLeft = LINES_PER_TICK
    const index = this.#tick % SLOTS
    const due = this.#slots[index] ?? []
    this.#slots[index] = []
    // Each turn starts elsewhere, so that no machine always finds the lines used up.
    const first = due.length > 0 ? this.#tick % due.length : 0
    for (let offset = 0; offset < due.length; offset++) this.#runTask(due[(first + offset) % due.length])
  }

  #runTask(task: Task | undefined): void {
    if (!task || task.cancelled) return
    if (task.rounds > 0) {
      task.rounds--
      this.#slots[this.#tick % SLOTS]?.push(task)
      return
    }
    this.#insert(task, task.intervalTicks)
    task.run()
  }
}
