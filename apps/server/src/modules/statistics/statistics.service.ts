import type {
  ApiStatisticsInput,
  ApiUseFigures,
  FilamentFigures,
  FilamentStatisticsInput,
  PrinterStatisticsInput,
  PrinterTimeFigures,
  PrintFigures,
  PrintStatisticsInput,
  UserActivity,
  UserActivityInput,
} from '@gantry/schemas'

import { invalidField, type Actor, type AnyReads } from '../../kernel/index.js'
import type { StatisticsRepository, UserActivityRepository } from './statistics.ports.js'

export interface StatisticsServiceDeps {
  lists: AnyReads<{ statistics: StatisticsRepository; userActivity: Pick<UserActivityRepository, 'list'> }>
  timeZone: string
}

export interface Figures<T> {
  /** Whose midnights part the days. */
  timeZone: string
  items: T[]
}

/** In one answer. */
const MOST_ROWS = 20_000
const ONE_MORE = { limit: MOST_ROWS + 1 }

/** What has been rolled up: minutes old at most, as far as the actor may see printers and projects. */
export class StatisticsService {
  constructor(private readonly deps: StatisticsServiceDeps) {}

  /** @throws GantryError `VALIDATION_FAILED` when the range holds more than an answer may */
  prints(actor: Actor, { printerId, projectId, ...range }: PrintStatisticsInput): Promise<Figures<PrintFigures>> {
    const query = { ...range, printerId: printerId ?? null, projectId: projectId ?? null, ...ONE_MORE }
    return this.figures(this.deps.lists.read(actor, ({ statistics }) => statistics.prints(actor, query)))
  }

  /** @throws as {@link prints} */
  printers(
    actor: Actor,
    { printerId, eachPrinter: each, ...range }: PrinterStatisticsInput,
  ): Promise<Figures<PrinterTimeFigures>> {
    const query = { ...range, printerId: printerId ?? null, each, ...ONE_MORE }
    return this.figures(this.deps.lists.read(actor, ({ statistics }) => statistics.printers(actor, query)))
  }

  /** @throws as {@link prints} */
  filament(actor: Actor, { printerId, ...range }: FilamentStatisticsInput): Promise<Figures<FilamentFigures>> {
    const query = { ...range, printerId: printerId ?? null, ...ONE_MORE }
    return this.figures(this.deps.lists.read(actor, ({ statistics }) => statistics.filament(actor, query)))
  }

  /** @throws as {@link prints} */
  api(actor: Actor, { eachProcedure: each, ...range }: ApiStatisticsInput): Promise<Figures<ApiUseFigures>> {
    const query = { ...range, each, ...ONE_MORE }
    return this.figures(this.deps.lists.read(actor, ({ statistics }) => statistics.api(actor, query)))
  }

  /** Nothing of users who opted out. @throws as {@link prints} */
  userActivity(actor: Actor, input: UserActivityInput): Promise<Figures<UserActivity>> {
    const query = { ...input, ...ONE_MORE }
    return this.figures(this.deps.lists.read(actor, ({ userActivity }) => userActivity.list(actor, query)))
  }

  private async figures<T>(reading: Promise<T[]>): Promise<Figures<T>> {
    const items = await reading
    if (items.length > MOST_ROWS) throw invalidField('to', `leaves more than ${MOST_ROWS} rows: ask for less`)
    return { timeZone: this.deps.timeZone, items }
  }
}
