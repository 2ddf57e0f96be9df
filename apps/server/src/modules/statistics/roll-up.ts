import type { Logger, TransactionContext, UnitOfWork } from '../../kernel/index.js'
import { FIGURES, type Figure, type RollUpMark, type RollUpRepository } from './statistics.ports.js'

interface Repositories {
  rollUp: RollUpRepository
}
type Transaction = Repositories & Pick<TransactionContext, 'now'>

export interface RollUpDeps {
  unitOfWork: UnitOfWork<Repositories>
  /** Whose midnights part the days. */
  timeZone: string
  log: Logger
}

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** Longer than a transaction lasts: what it writes bears the time of its beginning, and is seen at its end. */
const MARGIN_MS = 5 * 60_000
/** In one transaction. */
const STEP_MS = 7 * DAY_MS
/** In one run: more than a year. The next run goes on. */
const MOST_STEPS = 60
/** Hourly rows are kept so long. */
const HOURS_KEPT_MS = 90 * DAY_MS
/** A day that has begun may be made anew, so its sources are needed until it is over: one day may have 25 hours. */
const UNFINISHED_DAY_MS = 26 * HOUR_MS

/** How long the sources are kept that are kept only for this. Attempts stay. */
const SOURCES_KEPT_MS: Partial<Record<Figure, number>> = { printers: 90 * DAY_MS, api: 2 * DAY_MS }

/**
 * Rolls figures up by hour and by day: each step makes the periods of some days anew out of their sources and moves the
 * watermark, in one transaction. What is not yet over is made anew by the next run. So nothing depends on how often it
 * runs, whether two run at once, or where one was cut off.
 */
export class RollUp {
  constructor(private readonly deps: RollUpDeps) {}

  /** Everything since the last time, up to now. @param hours the last so many hours are made anew besides */
  async run(figures: readonly Figure[], hours: number | null, signal: AbortSignal): Promise<void> {
    for (const figure of figures) {
      if (hours !== null) await this.goBack(figure, hours)
      for (let steps = 0; steps < MOST_STEPS; steps += 1) {
        signal.throwIfAborted()
        if (await this.step(figure)) break
      }
    }
  }

  /** Removes what is too old of hourly rows, and of sources once all is made of them. @returns how many rows went */
  async clear(signal: AbortSignal): Promise<number> {
    let removed = await this.deps.unitOfWork.run(({ rollUp, now }) => rollUp.removeHours(before(now, HOURS_KEPT_MS)))
    for (const figure of FIGURES) {
      for (let more = true; more;) {
        signal.throwIfAborted()
        const some = await this.removeSources(figure)
        removed += some.removed
        more = some.more
      }
    }
    return removed
  }

  /** @returns whether the figure is up to date */
  private step(figure: Figure): Promise<boolean> {
    const { unitOfWork, timeZone } = this.deps
    return unitOfWork.run(async (tx) => {
      const mark = await tx.rollUp.lock(figure)
      const from = await beginningOf(tx, figure, mark)
      const to = new Date(Math.min(from.getTime() + STEP_MS, tx.now.getTime()))
      const hoursFrom = before(tx.now, HOURS_KEPT_MS)
      await tx.rollUp.replace(figure, { from, to, keptFrom: mark.keptFrom, hoursFrom, timeZone, now: tx.now })
      await tx.rollUp.save(figure, { rolledUntil: to, lookedAt: tx.now })
      this.deps.log.debug({ figure, from, to }, 'figures rolled up')
      return to.getTime() === tx.now.getTime()
    })
  }

  private goBack(figure: Figure, hours: number): Promise<void> {
    return this.deps.unitOfWork.run(async ({ rollUp, now }) => {
      const { rolledUntil } = await rollUp.lock(figure)
      const to = before(now, hours * HOUR_MS)
      if (rolledUntil !== null && to < rolledUntil) await rollUp.save(figure, { rolledUntil: to })
    })
  }

  private removeSources(figure: Figure): Promise<{ removed: number; more: boolean }> {
    const keptMs = SOURCES_KEPT_MS[figure]
    if (keptMs === undefined) return Promise.resolve({ removed: 0, more: false })
    return this.deps.unitOfWork.run(async ({ rollUp, now }) => {
      const { rolledUntil, keptFrom } = await rollUp.lock(figure)
      if (rolledUntil === null) return { removed: 0, more: false }
      const cut = new Date(Math.min(now.getTime() - keptMs, rolledUntil.getTime() - UNFINISHED_DAY_MS))
      // Said in the transaction that removes: no period is ever made of a part of what it was made of.
      if (keptFrom === null || keptFrom < cut) await rollUp.save(figure, { keptFrom: cut })
      return rollUp.removeSources(figure, cut)
    })
  }
}

const before = (moment: Date, ms: number): Date => new Date(moment.getTime() - ms)

/** Where a step begins: at the watermark, or where a fact came late. */
const beginningOf = async ({ rollUp, now }: Transaction, figure: Figure, mark: RollUpMark): Promise<Date> => {
  const since = mark.rolledUntil ?? (await rollUp.earliest(figure)) ?? now
  const late = mark.lookedAt && (await rollUp.earliestWrittenSince(figure, before(mark.lookedAt, MARGIN_MS)))
  return new Date(Math.min(since.getTime() - MARGIN_MS, (late ?? now).getTime()))
}
