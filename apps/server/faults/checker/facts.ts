import type { Farm } from '../farm/farm.js'
import type { Start } from '../farm/virtual-printers.js'
import type { WitnessedStream } from '../event-witness.js'
import type { Order } from '../orders.js'
import type { Decisions } from '../person.js'
import type { StuckRow } from './passing-rows.js'
import type { ReadingHistory } from './reading-history.js'

export interface JobRow {
  id: string
  copies: number
  queued: number
  active: number
  done: number
  failed: number
  cancelled: number
  held: number
}

export interface CopyRow {
  jobId: string
  number: number
  state: 'queued' | 'active' | 'done' | 'failed' | 'cancelled' | 'held'
}

export interface AttemptRow {
  id: string
  jobId: string
  copyNumber: number
  /** The virtual printer's name. */
  printer: string
  state: string
  remoteName: string
  reasonCode: string | null
  cancelRequested: boolean
}

export interface AlarmRow {
  id: string
  code: string
  subjectType: string
  subjectId: string
  isOpen: boolean
}

export interface EventRow {
  /** `<txid>-<seq>`, in the log's reading order. */
  cursor: string
  seq: number
  type: string
  subjectId: string
  payload: Record<string, unknown>
}

/** Everything that an experiment left: what the machines counted, what the database says, what was told live. */
export interface Facts {
  starts: readonly Start[]
  machine: { startsOnOccupiedBed: number; gcodeWhilePrinting: number; mismatchedStarts: number }
  orders: readonly Order[]
  jobs: readonly JobRow[]
  copies: readonly CopyRow[]
  attempts: readonly AttemptRow[]
  alarms: readonly AlarmRow[]
  events: readonly EventRow[]
  streams: readonly WitnessedStream[]
  stuck: readonly StuckRow[]
  decisions: Decisions
  /** Attempts whose copy a person wanted elsewhere. */
  reassigned: ReadonlySet<string>
  reading: ReadingHistory
  /** Of servers that nobody had asked to end: what they said last. */
  deaths: readonly string[]
}

export type Recorded = Pick<Facts, 'orders' | 'streams' | 'stuck' | 'decisions' | 'reassigned' | 'reading'>

export const gatherFacts = async (farm: Farm, recorded: Recorded): Promise<Facts> => {
  const { db, fleet } = farm
  const total: Record<string, number> = { ...(await fleet.counts()).total }
  const attempts = await db.steadily<Omit<AttemptRow, 'printer'> & { printerId: string }>(ATTEMPTS)
  return {
    ...recorded,
    deaths: farm.instances.flatMap(({ deaths }) => deaths),
    starts: await fleet.starts(),
    machine: {
      startsOnOccupiedBed: total['startsOnOccupiedBed'] ?? NaN,
      gcodeWhilePrinting: total['gcodeWhilePrinting'] ?? NaN,
      mismatchedStarts: total['mismatchedStarts'] ?? NaN,
    },
    jobs: await db.steadily<JobRow & Record<string, unknown>>(JOBS),
    copies: await db.steadily<CopyRow & Record<string, unknown>>(COPIES),
    attempts: attempts.map(({ printerId, ...rest }) => ({ ...rest, printer: farm.names.get(printerId) ?? printerId })),
    alarms: await db.steadily<AlarmRow & Record<string, unknown>>(ALARMS),
    events: await db.steadily<EventRow & Record<string, unknown>>(EVENTS),
  }
}

const JOBS = `SELECT id, copies, queued_copies AS queued, active_copies AS active, done_copies AS done,
  failed_copies AS failed, cancelled_copies AS cancelled, held_copies AS held FROM print_job`
const COPIES = 'SELECT job_id AS "jobId", number, state::text AS state FROM print_copy'
const ATTEMPTS = `SELECT id, job_id AS "jobId", copy_number AS "copyNumber", printer_id AS "printerId",
  state::text AS state, remote_name AS "remoteName", reason_code AS "reasonCode",
  cancel_requested_at IS NOT NULL AS "cancelRequested" FROM attempt ORDER BY claimed_at`
const ALARMS = `SELECT id, code, subject_type AS "subjectType", subject_id AS "subjectId",
  cleared_at IS NULL AS "isOpen" FROM alarm`
const EVENTS = `SELECT txid::text || '-' || seq::text AS cursor, seq::float8 AS seq, type, subject_id AS "subjectId",
  payload FROM event ORDER BY txid, seq`
