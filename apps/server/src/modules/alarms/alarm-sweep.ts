import {
  every,
  type CallOff,
  type Logger,
  type Timers,
  type TransactionContext,
  type UnitOfWork,
} from '../../kernel/index.js'
import type { AlarmConditionRepository, AlarmRepository, AlarmThresholds, FoundAlarm } from './alarms.ports.js'
import { raiseAlarm } from './raise-alarm.js'

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
      for (const alarm of await tx.alarmConditions.withoutCause(thresholds)) await clear(tx, alarm)
      for (const { printerGroupId, ...alarm } of await tx.alarmConditions.holding(thresholds))
        await raiseAlarm(tx, alarm, printerGroupId)
    })
  }
}

type Transaction = Repositories & TransactionContext

const clear = async (tx: Transaction, { code, subjectType, subjectId, printerGroupId }: FoundAlarm): Promise<void> => {
  for (const alarmId of await tx.alarms.clear(code, { subjectType, subjectId }, tx.now)) {
    const about = { subjectType: 'alarm', subjectId: alarmId, printerGroupId }
    tx.record({ type: 'alarm.cleared', ...about, payload: { alarmId, code } }, 'system')
  }
}
