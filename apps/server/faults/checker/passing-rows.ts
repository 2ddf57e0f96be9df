import { LEASE_TIMINGS } from '../../src/modules/printers/lease-keeper.js'
import type { Database } from '../farm/postgres.js'

/** A row that stayed where nothing should stay. */
export interface StuckRow {
  what: string
  id: string
  state: string
  seconds: number
}

const LOOK_MS = 1_000

interface Watched {
  db: Database
  /** A machine that is busy with other things gets as much more time as it takes longer. */
  slowness: number
  /** Whether every instance is up; one that is down, or frozen, is a disturbance. */
  isWhole: boolean
}

/**
 * Looks once a second for rows that stay in a passing state. While things are broken nothing can pass, so it counts from
 * the later of the row's last step and the last disturbance.
 */
export class PassingRows {
  private readonly found = new Map<string, StuckRow>()
  private disturbedAt = Date.now()
  private timer: NodeJS.Timeout | undefined
  private looking: Promise<void> = Promise.resolve()

  constructor(private readonly farm: Watched) {}

  get stuck(): StuckRow[] {
    return [...this.found.values()]
  }

  start(): void {
    this.timer = setInterval(() => {
      this.looking = this.looking.then(() => this.look())
    }, LOOK_MS)
  }

  async stop(): Promise<void> {
    clearInterval(this.timer)
    await this.looking
  }

  /** From now on, things have to pass again. */
  disturbed(): void {
    this.disturbedAt = Date.now()
  }

  private async look(): Promise<void> {
    if (!this.farm.isWhole) this.disturbed()
    const limitSeconds = 2 * LEASE_TIMINGS.leaseSeconds * this.farm.slowness
    const quietSeconds = (Date.now() - this.disturbedAt) / 1_000
    if (quietSeconds <= limitSeconds) return
    try {
      for (const row of await this.farm.db.query<StuckRow & Record<string, unknown>>(PASSING, [limitSeconds]))
        this.found.set(`${row.what} ${row.id} ${row.state}`, row)
    } catch {
      // The database is down, which is a disturbance.
      this.disturbed()
    }
  }
}

const PASSING = `
  SELECT * FROM (
    SELECT 'attempt' AS what, id, state::text AS state,
      extract(epoch FROM now() - CASE state WHEN 'starting' THEN start_sent_at ELSE claimed_at END)::float8 AS seconds
      FROM attempt WHERE state IN ('claimed', 'uploading', 'starting')
    UNION ALL
    SELECT 'wish to cancel', id, state::text, extract(epoch FROM now() - cancel_requested_at)::float8
      FROM attempt WHERE cancel_requested_at IS NOT NULL
        AND state IN ('claimed', 'uploading', 'starting', 'printing', 'paused')
    UNION ALL
    SELECT 'printer command', id, state::text, extract(epoch FROM now() - deadline_at)::float8
      FROM printer_command WHERE state IN ('pending', 'taken')
    UNION ALL
    SELECT 'outbox', id, state::text, extract(epoch FROM now() - greatest(available_at, relayed_at))::float8
      FROM outbox WHERE state IN ('pending', 'relayed')
  ) passing WHERE seconds > $1`
