import { GantryError, type CallOff, type Timers } from '../../kernel/index.js'
import type { World } from './world.js'

/** Every instance's wall clock shows something else; nothing may depend on it. */
const WRONG_BY_MS = [0, 3_600_000, -3_600_000]

/** Made once: there are many deadlines, and a stack for each costs more than the rest. */
const OVERDUE = new Error('the deadline has passed')

/**
 * One server process. What reaches it goes through here: a dead one hears nothing any more, a frozen one hears all of
 * it when it thaws, in whatever order. What it sent before is under way all the same.
 */
export class SimulatedProcess {
  readonly clock: Timers
  private alive = true
  private frozen = false
  private readonly held: (() => void)[] = []
  /** Until then its link to the database swallows everything. */
  databaseCutUntilMs = 0

  constructor(
    readonly id: string,
    readonly world: World,
    index: number,
  ) {
    const wrongByMs = WRONG_BY_MS[index % WRONG_BY_MS.length] ?? 0
    this.clock = {
      now: () => 1_800_000_000_000 + wrongByMs + world.nowMs,
      monotonicMs: () => world.nowMs,
      after: (ms, act) => this.after(ms, act),
      deadline: (ms) => this.deadline(ms),
    }
  }

  get isAlive(): boolean {
    return this.alive
  }

  kill(): void {
    this.alive = false
    this.held.length = 0
    this.world.tell(`${this.id} is killed`)
  }

  freeze(): void {
    if (this.alive) this.frozen = true
    this.world.tell(`${this.id} freezes`)
  }

  thaw(): void {
    this.frozen = false
    this.world.tell(`${this.id} goes on`)
    for (const act of this.held.splice(0)) void this.world.turn(`${this.id} catches up`).then(() => this.hear(act))
  }

  /** Runs what happens inside the process: now, after the thaw, or never. */
  hear(act: () => void): void {
    if (!this.alive) return
    if (this.frozen) this.held.push(act)
    else act()
  }

  /** Something comes in from outside; resolves in its turn, once the process can hear it. */
  incoming(label: string): Promise<void> {
    return new Promise((resolve) => void this.world.turn(label).then(() => this.hear(resolve)))
  }

  /** The link to the database. @throws GantryError `UNAVAILABLE` as a cut one does after its time-out */
  async reachDatabase(): Promise<void> {
    if (this.world.nowMs < this.databaseCutUntilMs) {
      await this.world.sleep(this.world.between(`${this.id} gives the database up`, 200, 10_000))
      await this.incoming(`${this.id} database time-out`)
      throw new GantryError('UNAVAILABLE', { detail: 'simulated: the link to the database is cut' })
    }
    await this.incoming(`${this.id} begins a transaction`)
  }

  private after(ms: number, act: () => void): CallOff {
    let off = false
    const callOff = this.world.at(this.world.nowMs + ms, () => {
      if (off || !this.alive) return
      void this.world.turn(`${this.id} timer`).then(() => this.hear(() => (off ? undefined : act())))
    })
    return () => {
      off = true
      callOff()
    }
  }

  private deadline(ms: number): AbortSignal {
    const controller = new AbortController()
    this.world.at(this.world.nowMs + ms, () => this.hear(() => controller.abort(OVERDUE)))
    return controller.signal
  }
}
