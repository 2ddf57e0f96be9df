/** What was written, read, refused and broken while people used the HTTP API of all instances; the judges read it. */

/**
 * Where something is written or asked, and by whom. All times are of the bench's own monotonic clock, in milliseconds.
 */
interface Asked {
  by: string
  /** The instance. */
  at: string
  sentMs: number
}

/** One step in the life of a thing that only one writer changes, one step after the other. */
export interface WriteStep extends Asked {
  thing: string
  /** What its name ends with from now on; null: it is removed. */
  version: number | null
  /** Null: nobody knows whether it was carried out. Nothing is written of the thing any more then. */
  answeredMs: number | null
}

/** A whole list. */
export interface ListRead extends Asked {
  answeredMs: number
  names: readonly string[]
}

/** Something was shown that whoever asked must not see. */
export interface Intrusion extends Asked {
  what: string
  /** Since when, and where that was decided: everybody knows at once where it was, and later elsewhere. */
  forbiddenSinceMs: number
  forbiddenAt: string | null
}

/** A request without the answer that it was sent for. */
export interface FailedRequest extends Asked {
  what: string
  endedMs: number
  /** `cut`: the connection broke. `silent`: there was no answer at all. */
  kind: 'answered' | 'cut' | 'silent'
  status: number | null
  code: string | null
  saysWhenToRetry: boolean
}

/** Something that was broken on purpose. */
export interface Breakage {
  what: string
  fromMs: number
  /** When it was whole again. */
  untilMs: number
  /** When all instances had noticed that. */
  recoveredMs: number
  /** Whether requests cannot be answered meanwhile: the primary was away. */
  stopsRequests: boolean
}

export interface ReadingHistory {
  steps: WriteStep[]
  reads: ListRead[]
  intrusions: Intrusion[]
  failures: FailedRequest[]
  breakages: Breakage[]
}

/** Also of an experiment in which nobody read. */
export const emptyHistory = (): ReadingHistory => ({
  ...{ steps: [], reads: [], intrusions: [], failures: [], breakages: [] },
})

/** As things are named in lists. */
export const nameOfVersion = (thing: string, version: number): string => `${thing} v${version}`

/**
 * How old the answers to lists may be (docs/reference/caching.md): lists of projects are kept for 2 s, without word of
 * changes memory answers for 2 s, and replicas that are 2 s behind are not read.
 */
const LATEST_MS = 2_000
/** While nothing is broken word of a change reaches every instance within a second. */
const HEARD_MS = 1_000

/** In what time after a change everybody has to be shown it, who did not make it at that very instance. */
export const boundBetween = (breakages: readonly Breakage[], changedMs: number, askedMs: number): number => {
  const isBroken = breakages.some(({ fromMs, recoveredMs }) => fromMs <= askedMs && recoveredMs >= changedMs)
  return isBroken ? LATEST_MS : HEARD_MS
}
