import { every, type CallOff, type Logger, type Timers, type UnitOfWork } from '../../kernel/index.js'
import type { ApiMinute, ApiUseRepository } from './statistics.ports.js'

export interface ApiUseDeps {
  unitOfWork: UnitOfWork<{ apiUse: ApiUseRepository }>
  instanceId: string
  clock: Timers
  log: Logger
}

const MINUTE_MS = 60_000
const FLUSH_MS = 10_000
/** What could not be written for so long is given up: a day is made anew only while all of its minutes are kept. */
const KEPT_MINUTES = 12 * 60

interface Count {
  calls: number
  errors: number
}

/**
 * Counts the calls of this process, by procedure and minute, for whoever they were made. Every ten seconds the counts of
 * the minutes that changed are written as they stand, so that to write them twice is harmless; a process that is killed
 * loses what it counted since.
 */
export class ApiUse {
  private readonly minutes = new Map<number, Map<string, Count>>()
  private readonly unsaved = new Set<number>()
  private saving: Promise<void> = Promise.resolve()
  private callOff: CallOff = () => undefined

  constructor(private readonly deps: ApiUseDeps) {}

  start(): void {
    this.callOff = every(this.deps.clock, FLUSH_MS, () => void this.flush())
  }

  /** @param procedure one that the router knows, so that there are not too many */
  note({ procedure, code }: { procedure: string; code: string }): void {
    const minute = this.thisMinute()
    const counts = this.minutes.get(minute) ?? new Map<string, Count>()
    const count = counts.get(procedure) ?? { calls: 0, errors: 0 }
    count.calls += 1
    if (code !== 'OK') count.errors += 1
    this.minutes.set(minute, counts.set(procedure, count))
    this.unsaved.add(minute)
  }

  /** Writes what is not written yet; one after the other. Does not throw. */
  flush(): Promise<void> {
    this.saving = this.saving.then(() => this.save())
    return this.saving
  }

  async stop(): Promise<void> {
    this.callOff()
    await this.flush()
  }

  private async save(): Promise<void> {
    const { unitOfWork, instanceId, log } = this.deps
    const minutes = [...this.unsaved]
    this.unsaved.clear()
    if (minutes.length === 0) return
    try {
      const rows = minutes.flatMap((minute) => this.rowsOf(minute))
      await unitOfWork.run(({ apiUse }) => apiUse.save(instanceId, rows))
    } catch (err) {
      log.warn({ err }, 'the use of the API could not be written down; it is tried again')
      for (const minute of minutes) this.unsaved.add(minute)
    }
    this.forget()
  }

  private rowsOf(minute: number): ApiMinute[] {
    const counts = this.minutes.get(minute) ?? new Map<string, Count>()
    return [...counts].map(([procedure, count]) => ({ minute: new Date(minute), procedure, ...count }))
  }

  /** Of minutes that are over and written nothing is needed. */
  private forget(): void {
    const now = this.thisMinute()
    for (const minute of this.minutes.keys()) {
      const isTooOld = minute < now - KEPT_MINUTES * MINUTE_MS
      if (isTooOld && this.unsaved.delete(minute)) this.deps.log.warn({ minute }, 'the use of the API is given up')
      if (minute < now && !this.unsaved.has(minute)) this.minutes.delete(minute)
    }
  }

  private thisMinute(): number {
    return Math.floor(this.deps.clock.now() / MINUTE_MS) * MINUTE_MS
  }
}
