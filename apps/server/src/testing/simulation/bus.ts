import type { EventBus, NewEvent, StoredEvent, WakeTopic } from '../../kernel/index.js'
import type { SimulatedProcess } from './process.js'
import type { World } from './world.js'

/** How late the word of a commit may come; a sweep must not have to wait for it. */
const LATE_MS = 3_000
const OFTEN_LATE = 0.1

/** What one process hears of the commits of all; see {@link EventBus}. */
class Ear {
  readonly onEvent = new Set<(event: StoredEvent) => void>()
  readonly onWake = new Map<WakeTopic, Set<() => void>>()

  constructor(readonly process: SimulatedProcess) {}
}

const listenIn = <T>(set: Set<T>, handler: T) => {
  set.add(handler)
  return () => set.delete(handler)
}

/** The bus between the processes. */
export class SimulatedBus {
  private readonly ears: Ear[] = []

  constructor(private readonly world: World) {}

  /** The end of the bus in one process. */
  endIn(process: SimulatedProcess): EventBus {
    const ear = new Ear(process)
    this.ears.push(ear)
    return {
      onEvent: (handler) => listenIn(ear.onEvent, handler),
      onRecorded: () => () => undefined,
      onGap: () => () => undefined,
      onHearing: (handler) => {
        handler(true)
        return () => undefined
      },
      publishTelemetry: () => undefined,
      onTelemetry: () => () => undefined,
      wake: (topic) => this.wake(topic),
      onWake: (topic, handler) => {
        const handlers = ear.onWake.get(topic) ?? new Set()
        ear.onWake.set(topic, handlers)
        return listenIn(handlers, handler)
      },
    }
  }

  /** A transaction with these events was committed. */
  committed(events: NewEvent[]): void {
    const stored = events.map((event) => ({
      ...{ printerGroupId: null, projectId: null, cursor: '', createdAt: new Date(0) },
      ...event,
    })) as StoredEvent[]
    this.tellAll((ear) => {
      for (const event of stored) for (const handler of [...ear.onEvent]) handler(event)
    })
  }

  wake(topic: WakeTopic): void {
    this.tellAll((ear) => {
      for (const handler of [...(ear.onWake.get(topic) ?? [])]) handler()
    })
  }

  private tellAll(say: (ear: Ear) => void): void {
    for (const ear of this.ears) {
      if (!ear.process.isAlive || ear.onEvent.size === 0) continue
      void this.arrive(ear.process).then(() => say(ear))
    }
  }

  private async arrive(process: SimulatedProcess): Promise<void> {
    const isLate = this.world.chance(`bus to ${process.id}`) < OFTEN_LATE
    if (isLate) await this.world.sleep(this.world.between(`bus to ${process.id} late`, 0, LATE_MS))
    await process.incoming(`${process.id} hears of a commit`)
  }
}
