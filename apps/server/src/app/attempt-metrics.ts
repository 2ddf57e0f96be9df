import type { AttemptState } from '@gantry/schemas'

import { every, RareLog, type EventBus, type Logger, type NewEvent, type Timers } from '../kernel/index.js'
import type { AttemptFacts, CensusRepository } from '../modules/system/census.ports.js'
import type { Metrics } from '../observability/metrics.js'

export interface AttemptCounts {
  metrics: Metrics
  bus: Pick<EventBus, 'onRecorded'>
  census: Pick<CensusRepository, 'attempts'>
  clock: Timers
  log: Logger
}

const READ_EVERY_MS = 5_000
/** Read at once, and remembered while the database does not answer. */
const READ_AT_ONCE = 500
const REMEMBERED = 10_000

const WAIT_BUCKETS = [1, 5, 15, 60, 300, 900, 3_600, 10_800, 43_200, 86_400, 259_200]
const START_BUCKETS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900]

const RESULTS = ['completed', 'failed', 'cancelled', 'revoked', 'unknown'] as const satisfies readonly AttemptState[]
type Result = (typeof RESULTS)[number]

const resultOf = (state: AttemptState): Result | null => RESULTS.find((result) => result === state) ?? null

/** What is added for each attempt that began to print, and for each that ended. */
const instruments = (metrics: Metrics) => {
  const ended = metrics.counter(
    'gantry_attempts_total',
    'Attempts by their result, as this process recorded it; an unknown one may get another result later.',
    ['result'],
  )
  for (const result of RESULTS) ended.inc({ result }, 0)
  return {
    ended,
    waits: metrics.histogram(
      'gantry_print_wait_seconds',
      'Time from the submission of a job to the first claim of a copy that this process saw begin to print.',
      [],
      WAIT_BUCKETS,
    ),
    latency: metrics.histogram(
      'gantry_dispatch_latency_seconds',
      'Time from the claim of a printer to the start that its host confirmed, with the upload in between.',
      [],
      START_BUCKETS,
    ),
    seconds: metrics.counter('gantry_print_seconds_total', 'Print time of attempts that ended in this process.'),
    grams: metrics.counter('gantry_filament_used_grams_total', 'Filament of attempts that ended in this process.'),
    mm: metrics.counter('gantry_filament_used_millimeters_total', 'Filament of attempts that ended in this process.'),
  }
}

/** What becomes of attempts in this process: counted when it is recorded, its times and amounts read soon after. */
export const countAttemptsIn = ({ metrics, bus, census, clock, log }: AttemptCounts): { stop: () => void } => {
  if (!metrics.enabled) return { stop: () => undefined }
  const { ended, waits, latency, seconds, grams, mm } = instruments(metrics)
  const rareLog = new RareLog(log, clock)
  const toRead = { started: new Set<string>(), ended: new Set<string>() }

  const began = ({ waitedSeconds, startedAfterSeconds }: AttemptFacts) => {
    if (waitedSeconds !== null) waits.observe({}, Math.max(0, waitedSeconds))
    if (startedAfterSeconds !== null) latency.observe({}, Math.max(0, startedAfterSeconds))
  }
  const over = ({ printSeconds, filamentUsedGrams, filamentUsedMm }: AttemptFacts) => {
    seconds.inc(Math.max(0, printSeconds ?? 0))
    grams.inc(Math.max(0, filamentUsedGrams ?? 0))
    mm.inc(Math.max(0, filamentUsedMm ?? 0))
  }
  const readSome = async (ids: Set<string>, take: (facts: AttemptFacts) => void) => {
    const some = [...ids].slice(0, READ_AT_ONCE)
    if (some.length === 0) return
    const facts = await census.attempts(some)
    for (const id of some) ids.delete(id)
    for (const fact of facts) take(fact)
  }
  const readAll = async () => {
    await readSome(toRead.started, began)
    await readSome(toRead.ended, over)
  }
  const remember = (ids: Set<string>, id: string) => {
    if (ids.size < REMEMBERED) ids.add(id)
    else rareLog.warn({ remembered: ids.size }, 'attempts are missing in the metrics: they cannot be read for too long')
  }
  const note = (event: NewEvent) => {
    if (event.type !== 'attempt.changed') return
    const { attemptId, from, to } = event.payload
    const result = resultOf(to)
    if (result !== null) ended.inc({ result })
    if (result !== null && result !== 'unknown') remember(toRead.ended, attemptId)
    if (to === 'printing' && (from === 'starting' || from === 'uploading')) remember(toRead.started, attemptId)
  }
  const unsubscribe = bus.onRecorded((events) => events.forEach(note))
  let reading = false
  const callOff = every(clock, READ_EVERY_MS, () => {
    if (reading) return
    reading = true
    readAll()
      .catch((err: unknown) => rareLog.warn({ err }, 'what became of attempts cannot be read for the metrics'))
      .finally(() => (reading = false))
  })
  return {
    stop: () => {
      unsubscribe()
      callOff()
    },
  }
}
