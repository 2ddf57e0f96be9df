import type { LogLevel } from '@gantry/schemas'

import type { CallOff, Timers } from '../kernel/clock.js'

/** How loud a line is; a log that is `silent` hears none. */
const LOUDNESS: Readonly<Record<LogLevel, number>> = { debug: 1, info: 2, warn: 3, error: 4, silent: 5 }

/** Which lines are written: by the setting, or for a while by what an admin wants. All logs of a process share it. */
export class LogLevels {
  private leastLoud: number
  private present: LogLevel
  private untilMs: number | null = null
  private callOff: CallOff = () => undefined

  constructor(
    readonly configured: LogLevel,
    private readonly clock: Pick<Timers, 'now' | 'after'>,
  ) {
    this.present = configured
    this.leastLoud = LOUDNESS[configured]
  }

  get current(): LogLevel {
    return this.present
  }

  /** When it goes back by itself; null: the setting holds. */
  get until(): Date | null {
    return this.untilMs === null ? null : new Date(this.untilMs)
  }

  isEnabled(level: LogLevel): boolean {
    return LOUDNESS[level] >= this.leastLoud
  }

  /** Holds until then; what was wanted before is over. A time that has passed already changes nothing. */
  change(level: LogLevel, until: Date): void {
    const ms = until.getTime() - this.clock.now()
    if (ms <= 0) return
    this.callOff()
    this.callOff = this.clock.after(ms, () => this.goBack())
    this.set(level, until.getTime())
  }

  goBack(): void {
    this.callOff()
    this.set(this.configured, null)
  }

  private set(level: LogLevel, untilMs: number | null): void {
    this.present = level
    this.leastLoud = LOUDNESS[level]
    this.untilMs = untilMs
  }
}
