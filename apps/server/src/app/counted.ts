import { every, RareLog, type CallOff, type Logger, type Timers } from '../kernel/index.js'

export interface CountedOptions<T> {
  /** What is counted, for the log. */
  what: string
  count: () => Promise<T>
  clock: Timers
  log: Logger
}

/** Something that is counted in the database from time to time: whoever asks reads the last count. */
export interface Counted<T> {
  /** Null: never counted, or too long ago. */
  known: () => T | null
  /** Whether the last count failed. */
  isFailing: () => boolean
  stop: CallOff
}

/** Said of numbers that every process has the same of, so that nobody adds them up. */
export const OF_ALL = 'Of the whole installation.'

/** Scrapes read the last count, however often they come. */
const COUNT_EVERY_MS = 10_000
/** Numbers that old say nothing any more; a gauge that is absent can be alerted on. */
const TOO_OLD_MS = 60_000

export const counted = <T>({ what, count, clock, log }: CountedOptions<T>): Counted<T> => {
  let last: { atMs: number; value: T } | null = null
  let failing = false
  const rareLog = new RareLog(log, clock)
  const again = () => {
    count().then(
      (value) => {
        last = { atMs: clock.monotonicMs(), value }
        failing = false
      },
      (err: unknown) => {
        failing = true
        rareLog.warn({ err }, `${what} cannot be counted`)
      },
    )
  }
  again()
  return {
    known: () => (last !== null && clock.monotonicMs() - last.atMs < TOO_OLD_MS ? last.value : null),
    isFailing: () => failing,
    stop: every(clock, COUNT_EVERY_MS, again),
  }
}
