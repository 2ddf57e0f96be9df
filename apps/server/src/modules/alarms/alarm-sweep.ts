import {
  every,
  type CallOff,
  type Logger,
  type Timers,
  type TransactionContext,
  type UnitOfWork,
} from '../../kernel/index.js'
import type { AlarmConditionRepository, AlarmRepository, AlarmThresholds, FoundAlarm } from './alarms.ports.js'

interface Repositories {
  alarms: AlarmRepository
  alarmConditions: AlarmConditionRepository
}

export interface AlarmSweepDeps {
  unitOfWork: UnitOfWork<Repositories>
  thresholds: AlarmThresholds
  clock: Timers
  log: Logger
  /** @default 30 000 */
  everyMs?: number
}

/**
 * Raises what no event tells, since nothing happens: beds that nobody clears, jobs that nobody does. And clears what has
 * lost its cause in a way that nobody told. Every process sweeps, whatever its roles, so that no dead worker hides that
 * it is dead; the database lets one alarm of a kind be open, and one sweep clear it.
 */
export class AlarmSweep {
  private callOff: CallOff = () => undefined
  private sweeping: Promise<void> = Promise.resolve()

  constructor(private readonly deps: AlarmSweepDeps) {}

  start(): void {
    const { clock, everyMs = 30_000 } = this.deps
    const sweep = () => {
      this.sweeping = this.sweeping
        .then(() => this.sweep())
        .catch((err: unknown) => this.deps.log.error({ err }, 'a sweep for alarms failed; the next one repeats it'))
    }
    this.callOff = every(clock, everyMs, sweep)
    sweep()
  }

  async stop(): Promise<void> {
    this.callOff()
    await this.sweeping
  }

  async sweep(): Promise<void> {
    const { unitOfWork, thresholds } = this.deps
    await unitOfWork.run(async (tx) => {
      for (const alarm of await tx.alarmConditions.withoutCause()) await clear(tx, alarm)
      for (const alarm of await tx.alarmConditions.holding(thresholds)) await raise(tx, alarm)
    })
  }
}

type Transaction = Repositories & TransactionContext

const clear = async (tx: Transaction, { code, subjectType, subjectId, printerGroupId }: FoundAlarm): Promise<void> => {
  for (const alarmId of await tx.alarms.clear(code, { subjectType, subjectId }, tx.now))
    tx.record({ type: 'alarm.cleared', ...about(alarmId, printerGroupId), payload: { alarmId, code } }, 'system')
}

const raise = async (
  tx: Transaction,
  { printerGroupId, ...alarm }: Awaited<ReturnType<AlarmConditionRepository['holding']>>[number],
): Promise<void> => {
  const alarmId = await tx.alarms.raise(alarm)
  if (alarmId === null) return
  const payload = { alarmId, code: alarm.code }
  tx.record({ type: 'alarm.raised', ...about(alarmId, printerGroupId), payload }, 'system')
}

const about = (alarmId: string, printerGroupId: string | null) => ({
  ...{ subjectType: 'alarm', subjectId: alarmId, printerGroupId },
})
