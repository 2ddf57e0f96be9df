/** How one run of a job ended: `failed` ones are tried again, `dead` ones are not. */
export type JobOutcome = 'completed' | 'failed' | 'dead'

/** The runs of one queue within one minute. Lists count runs by {@link durationClass}. */
export interface JobRunCounts {
  queue: string
  minute: Date
  completed: number
  failed: number
  dead: number
  waited: number[]
  took: number[]
}

export interface JobRunStore {
  /** Adds to what was counted before. */
  add(counts: readonly JobRunCounts[]): Promise<void>
}

/** Each class of durations ends 1.3 times as far as the one before; the last holds all that is longer. */
const RATIO = 1.3
export const DURATION_CLASSES = 60

/** The class of a duration: the first holds up to a millisecond, the last more than an hour. */
export const durationClass = (ms: number): number =>
  ms <= 1 ? 0 : Math.min(DURATION_CLASSES - 1, Math.ceil(Math.log(ms) / Math.log(RATIO)))

/** The longest duration of a class, in milliseconds. */
const endOf = (index: number): number => RATIO ** index

/**
 * The duration below which a share of the runs lie, in milliseconds, exact to about 15 %; null without runs.
 * @param share such as 0.99
 */
export const durationAt = (counts: readonly number[], share: number): number | null => {
  const total = counts.reduce((sum, count) => sum + count, 0)
  if (total === 0) return null
  let left = share * total
  for (const [index, count] of counts.entries()) {
    if (count > 0 && left <= count) {
      const from = index === 0 ? 0 : endOf(index - 1)
      return Math.round((from + (endOf(index) - from) * (left / count)) * 100) / 100
    }
    left -= count
  }
  return Math.round(endOf(counts.length - 1))
}
