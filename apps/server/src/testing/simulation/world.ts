import type { Scheduler } from 'fast-check'

import type { CallOff } from '../../kernel/index.js'

interface Alarm {
  atMs: number
  order: number
  act: () => void
}

const DONE = Promise.resolve()

/** What happens at one moment comes to an end, however many things that are. */
const MOST_AT_ONCE = 5_000

/** Microtasks of any depth are through when this resolves. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** FNV-1a, spread once more: neighbouring texts give unlike numbers. */
const hashOf = (text: string): number => {
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
  hash = Math.imul(hash ^ (hash >>> 12), 0x297a2d39)
  return (hash ^ (hash >>> 15)) >>> 0
}

/**
 * Time, chance and the order of things. What happens at one moment happens in an order that fast-check's scheduler
 * picks; the clock moves on only when nothing is left to do at that moment. So a run is a function of its seed.
 */
export class World {
  private readonly alarms: Alarm[] = []
  private readonly drawn = new Map<string, number>()
  private readonly lines: string[] = []
  private order = 0
  private passedMs = 0
  steps = 0

  constructor(
    private readonly scheduler: Scheduler,
    private readonly seed: number,
    /** Called after every step, with nothing under way. @throws Error that ends the run */
    private readonly look: () => void,
  ) {}

  get nowMs(): number {
    return this.passedMs
  }

  /** Resolves when the scheduler has picked this among all that could happen now. */
  turn(label: string): Promise<void> {
    return this.scheduler.schedule(DONE, label)
  }

  /** Does it at that time, before anything else may happen then. */
  at(atMs: number, act: () => void): CallOff {
    const alarm = { atMs: Math.max(atMs, this.passedMs), order: (this.order += 1), act }
    const behind = this.alarms.findIndex((other) => other.atMs > alarm.atMs)
    this.alarms.splice(behind === -1 ? this.alarms.length : behind, 0, alarm)
    return () => {
      const found = this.alarms.indexOf(alarm)
      if (found !== -1) this.alarms.splice(found, 1)
    }
  }

  sleep(ms: number): Promise<void> {
    return ms <= 0 ? DONE : new Promise((resolve) => this.at(this.passedMs + ms, resolve))
  }

  /**
   * A number in [0, 1) that depends on the run's seed, on what it is for, and on how often that was asked before; not on
   * what else is drawn meanwhile, so that leaving out one fault changes little elsewhere.
   */
  chance(what: string): number {
    const count = (this.drawn.get(what) ?? 0) + 1
    this.drawn.set(what, count)
    return hashOf(`${this.seed} ${what} ${count}`) / 2 ** 32
  }

  between(what: string, from: number, to: number): number {
    return Math.round(from + this.chance(what) * (to - from))
  }

  tell(line: string): void {
    this.lines.push(`${(this.passedMs / 1_000).toFixed(3).padStart(9)} s  ${line}`)
  }

  get trace(): readonly string[] {
    return this.lines
  }

  /** Lets everything happen until that time, or until `isOver`. */
  async run(untilMs: number, isOver: () => boolean = () => false): Promise<void> {
    for (let atOnce = 0, sinceMs = this.passedMs; ;) {
      await settled()
      this.steps += 1
      this.look()
      atOnce = this.passedMs === sinceMs ? atOnce + 1 : 0
      sinceMs = this.passedMs
      if (atOnce > MOST_AT_ONCE) throw new Error('something goes round and round while no time passes')
      if (this.scheduler.count() > 0) {
        await this.scheduler.waitNext(1)
        continue
      }
      const next = this.alarms[0]
      if (next === undefined || next.atMs > untilMs || isOver()) break
      this.passedMs = next.atMs
      this.alarms.shift()
      next.act()
    }
    if (!isOver()) this.passedMs = Math.max(this.passedMs, untilMs)
  }
}
