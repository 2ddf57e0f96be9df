import type { AlarmCode, AttemptState, PrinterState } from '@gantry/schemas'

/** `offline` is also what nobody drives; `disabled`: switched off by people, with nothing in hand. */
export type CountedPrinterState = PrinterState | 'disabled'

/** How the farm stands: the same whichever process counts. What is missing in a map is zero. */
export interface Census {
  printers: ReadonlyMap<CountedPrinterState, number>
  /** Attempts that have not ended. */
  attempts: ReadonlyMap<AttemptState, number>
  /** Copies that wait for a printer. */
  queuedCopies: number
  /** How long the oldest job with such copies has been there; 0 when there is none. */
  oldestQueuedSeconds: number
  /** Open ones. */
  alarms: ReadonlyMap<AlarmCode, number>
  holds: ReadonlyMap<'printer' | 'print_job', number>
  /** Orders of jobs that are not done. */
  outbox: ReadonlyMap<'pending' | 'relayed', number>
  /** How long the order that is due longest has waited for being handed over; those of queues that rest do not count. */
  outboxOldestSeconds: number
}

/** What became of an attempt, in the database's times. */
export interface AttemptFacts {
  id: string
  /** From the submission of its job; null when it was not the first try of its copy. */
  waitedSeconds: number | null
  /** From its claim to the start that the host confirmed. */
  startedAfterSeconds: number | null
  printSeconds: number | null
  filamentUsedMm: number | null
  filamentUsedGrams: number | null
}

/** The day of the installation's time zone, up to now. */
export interface CensusOfToday {
  usersActive: number
  started: number
  completed: number
  failed: number
  cancelled: number
  /** Of all printers together, while they were driven, and of it while they printed. */
  drivenSeconds: number
  printingSeconds: number
}

export interface CensusRepository {
  take(): Promise<Census>
  /** @param timeZone an IANA name */
  today(timeZone: string): Promise<CensusOfToday>
  attempts(ids: readonly string[]): Promise<AttemptFacts[]>
}
