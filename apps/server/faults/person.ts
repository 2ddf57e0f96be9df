import { setTimeout as sleep } from 'node:timers/promises'

import { isGantryApiError } from '@gantry/client'

import type { Farm } from './farm/farm.js'
import type { Start } from './farm/virtual-printers.js'

const ROUND_MS = 400
const AT_ONCE = 8

export interface PersonHabits {
  /** How long Gantry is given to find out by itself what became of an attempt. */
  unknownAfterSeconds: number
  /** How long a print that the printer's book does not know is waited for, before it counts as never started. */
  neverAfterSeconds: number
}

const HABITS: PersonHabits = { unknownAfterSeconds: 20, neverAfterSeconds: 40 }

/** What the person decided; the checker allows for it. */
export interface Decisions {
  bedsCleared: number
  /** Noted when it is said, since an order whose answer is lost may have been carried out. Attempts of which the person said that nothing of them was printed. */
  saidNotPrinted: Set<string>
  saidPrinted: Set<string>
  /** Jobs whose held copies were let go on. */
  releasedJobs: Set<string>
  releasedPrinters: number
}

interface PrinterRow extends Record<string, unknown> {
  id: string
  bed: 'clear' | 'occupied'
  attempt_id: string | null
  attempt_state: string | null
  remote_name: string | null
  unknown_seconds: number | null
  holds: number
}

/**
 * Somebody who walks through the farm: takes prints off and says so, looks at printers of which Gantry does not know
 * what they did, and lets go on what is held. What to do is seen in the database and at the machines; what is done goes
 * through the API, and may fail: the next round sees how it stands.
 */
export class Person {
  readonly decisions: Decisions = {
    bedsCleared: 0,
    saidNotPrinted: new Set(),
    saidPrinted: new Set(),
    releasedJobs: new Set(),
    releasedPrinters: 0,
  }
  private readonly over = new AbortController()
  private walking: Promise<void> | null = null
  private failure: unknown = null

  constructor(
    private readonly farm: Farm,
    private readonly habits: PersonHabits = HABITS,
  ) {}

  start(): void {
    this.walking ??= this.walk()
  }

  /** @throws what kept the person from working */
  async stop(): Promise<void> {
    this.over.abort()
    await this.walking
    if (this.failure !== null) throw this.failure as Error
  }

  private async walk(): Promise<void> {
    try {
      while (!this.over.signal.aborted) {
        await this.round()
        await sleep(ROUND_MS)
      }
    } catch (error) {
      this.failure = error
    }
  }

  private async round(): Promise<void> {
    const [printers, machines] = [await this.printers(), await this.farm.fleet.machines()]
    const idle = new Set(machines.filter(({ job, online }) => job === null && online).map(({ name }) => name))
    const work: (() => Promise<void>)[] = []
    for (const printer of printers) {
      const name = this.farm.names.get(printer.id) ?? ''
      if (printer.attempt_state === 'unknown') work.push(() => this.lookAt(printer, name))
      else if (printer.attempt_id === null && printer.bed === 'occupied' && idle.has(name))
        work.push(() => this.clearBed(printer, name))
      else if (printer.attempt_id === null && printer.holds > 0) work.push(() => this.releasePrinter(printer))
    }
    for (const jobId of await this.heldJobs()) work.push(() => this.releaseJob(jobId))
    const worker = async () => {
      for (let next = work.shift(); next !== undefined; next = work.shift()) await next()
    }
    await Promise.all(Array.from({ length: AT_ONCE }, worker))
  }

  private printers(): Promise<PrinterRow[]> {
    return this.farm.db.steadily<PrinterRow>(
      `SELECT p.id, r.bed::text AS bed, a.id AS attempt_id, a.state::text AS attempt_state, a.remote_name,
         (SELECT extract(epoch FROM now() - max(e.created_at))::float8 FROM event e
          WHERE e.type = 'attempt.changed' AND e.subject_id = a.id AND a.state = 'unknown') AS unknown_seconds,
         (SELECT count(*)::int FROM hold h WHERE h.printer_id = p.id AND h.released_at IS NULL) AS holds
       FROM printer p JOIN printer_runtime r ON r.printer_id = p.id
       LEFT JOIN attempt a ON a.printer_id = p.id
         AND a.state IN ('claimed', 'uploading', 'starting', 'printing', 'paused', 'unknown')
       WHERE p.removed_at IS NULL`,
    )
  }

  /** Jobs with copies that wait for a person, and none of which it is unknown how it stands. */
  private async heldJobs(): Promise<string[]> {
    const rows = await this.farm.db.steadily<{ id: string }>(
      `SELECT j.id FROM print_job j WHERE j.held_copies > 0
         AND NOT EXISTS (SELECT FROM attempt a WHERE a.job_id = j.id AND a.state = 'unknown')`,
    )
    return rows.map(({ id }) => id)
  }

  /** First the print comes off, then Gantry is told. */
  private async clearBed({ id }: PrinterRow, name: string): Promise<void> {
    await this.farm.fleet.clearBed(name)
    this.decisions.bedsCleared += 1
    await this.say(() => this.farm.gantry.printers.clearBed({ id }))
  }

  private async releasePrinter({ id }: PrinterRow): Promise<void> {
    this.decisions.releasedPrinters += 1
    await this.say(() => this.farm.gantry.printers.release({ id }))
  }

  private async releaseJob(jobId: string): Promise<void> {
    this.decisions.releasedJobs.add(jobId)
    await this.say(() => this.farm.gantry.printJobs.release({ id: jobId }))
  }

  private async lookAt({ attempt_id, remote_name, unknown_seconds }: PrinterRow, name: string): Promise<void> {
    if (attempt_id === null || (unknown_seconds ?? 0) < this.habits.unknownAfterSeconds) return
    const start = await this.startOf(name, remote_name)
    if (start === null && (unknown_seconds ?? 0) < this.habits.neverAfterSeconds) return
    if (start?.outcome === null) return // it prints
    const printed = start?.outcome === 'done'
    const decisions = printed ? this.decisions.saidPrinted : this.decisions.saidNotPrinted
    decisions.add(attempt_id)
    await this.say(() => this.farm.gantry.attempts.resolve({ id: attempt_id, printed }))
  }

  private async startOf(printer: string, remoteName: string | null): Promise<Start | null> {
    const starts = await this.farm.fleet.starts()
    return starts.find((start) => start.printer === printer && start.name === remoteName) ?? null
  }

  /** An order that is refused, or gets no answer, is looked at again in the next round. */
  private async say(order: () => Promise<unknown>): Promise<void> {
    try {
      await order()
    } catch (error) {
      if (!isGantryApiError(error) || !isPassing(error.code)) throw error
    }
  }
}

/** What a server that dies, is cut off, or has decided otherwise meanwhile, answers. */
const PASSING = new Set(['NETWORK', 'TIMEOUT', 'BAD_RESPONSE', 'INVALID_STATE', 'UNAVAILABLE', 'DEADLINE_EXCEEDED'])

const isPassing = (code: string): boolean => PASSING.has(code)
