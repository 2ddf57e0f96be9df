import type { Alarm, AlarmEvent, Page } from '@gantry/schemas'

import {
  GantryError,
  notFound,
  type Actor,
  type EventCursor,
  type AnyReads,
  type FollowEvents,
  type Primary,
  type UnitOfWork,
} from '../../kernel/index.js'
import type { AlarmRepository } from './alarms.ports.js'

interface Repositories {
  alarms: AlarmRepository
}

export interface AlarmsServiceDeps {
  unitOfWork: UnitOfWork<Repositories>
  reads: Primary<Repositories>
  lists: AnyReads<{ alarms: Pick<AlarmRepository, 'list'> }>
  follow: FollowEvents
}

export interface AlarmStreamItem {
  cursor: EventCursor
  data: AlarmEvent
}

const PAGE = 200
/** More open alarms than this are paged through `alarms.list`. */
const SNAPSHOT_ALARMS = 1_000

/** What a person must see. */
export class AlarmsService {
  constructor(private readonly deps: AlarmsServiceDeps) {}

  list(actor: Actor, query: { open: boolean; limit: number; cursor: string | null }): Promise<Page<Alarm>> {
    return this.deps.lists.read(actor, ({ alarms }) => alarms.list(actor, query), {
      query: 'alarms.list',
      input: query,
      tags: ['alarm'],
    })
  }

  /** Somebody has seen it; the alarm stays open. Harmless when repeated. @throws GantryError `NOT_FOUND`, `INVALID_STATE` */
  async acknowledge(actor: Actor, alarmId: string): Promise<Alarm> {
    await this.deps.unitOfWork.run(async (tx) => {
      const alarm = await find(tx, actor, alarmId)
      if (alarm.clearedAt !== null) {
        throw new GantryError('INVALID_STATE', { params: { detail: 'the alarm is cleared already' } })
      }
      const code = await tx.alarms.acknowledge(alarmId, actor.id, tx.now)
      if (code === null) return
      const payload = { alarmId, code }
      tx.record({ type: 'alarm.acknowledged', subjectType: 'alarm', subjectId: alarmId, payload }, actor.id)
    })
    return find(this.deps.reads, actor, alarmId)
  }

  /**
   * A person says that it is dealt with. Nothing else changes: should the cause come again, so does the alarm. Harmless
   * when repeated.
   * @throws GantryError `NOT_FOUND`
   */
  async clear(actor: Actor, alarmId: string): Promise<Alarm> {
    await this.deps.unitOfWork.run(async (tx) => {
      const { code, subjectType, subjectId, clearedAt } = await find(tx, actor, alarmId)
      if (clearedAt !== null) return
      for (const id of await tx.alarms.clear(code, { subjectType, subjectId }, tx.now)) {
        const payload = { alarmId: id, code }
        tx.record({ type: 'alarm.cleared', subjectType: 'alarm', subjectId: id, payload }, actor.id)
      }
    })
    return find(this.deps.reads, actor, alarmId)
  }

  /**
   * Alarms as they change, for what the actor may see: a snapshot of the open ones, then every change with its cursor.
   * Resumes after the cursor of the last item without a gap or a double.
   */
  async *watch(
    actor: Actor,
    cursor: EventCursor | null,
    signal: AbortSignal,
  ): AsyncGenerator<AlarmStreamItem, void, void> {
    const { reads, follow } = this.deps
    for await (const item of follow(cursor, signal)) {
      if (item.type === 'snapshot') {
        const alarms = await openAlarms(reads, actor)
        yield { cursor: item.cursor, data: { type: 'snapshot', resync: item.resync, alarms } }
      } else if (isAboutAlarm(item)) {
        const alarm = await reads.alarms.get(actor, item.payload.alarmId)
        if (alarm !== null) yield { cursor: item.cursor, data: { type: 'changed', alarm } }
      }
    }
  }
}

const find = async ({ alarms }: Repositories, actor: Actor, alarmId: string): Promise<Alarm> => {
  const alarm = await alarms.get(actor, alarmId)
  if (alarm === null) throw notFound('alarm', alarmId)
  return alarm
}

const ALARM_EVENTS = ['alarm.raised', 'alarm.acknowledged', 'alarm.cleared'] as const
type AlarmEventType = (typeof ALARM_EVENTS)[number]

const isAboutAlarm = <E extends { type: string }>(event: E): event is Extract<E, { type: AlarmEventType }> =>
  (ALARM_EVENTS as readonly string[]).includes(event.type)

const openAlarms = async ({ alarms }: Repositories, actor: Actor): Promise<Alarm[]> => {
  const found: Alarm[] = []
  let cursor: string | null = null
  do {
    const page: Page<Alarm> = await alarms.list(actor, { open: true, limit: PAGE, cursor })
    found.push(...page.items)
    cursor = page.nextCursor
  } while (cursor !== null && found.length < SNAPSHOT_ALARMS)
  return found
}
