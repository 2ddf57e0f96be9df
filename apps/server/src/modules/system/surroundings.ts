import type {
  AllQueueStatistics,
  DatabaseHealth,
  DetailedHealth,
  Health,
  HealthPart,
  PartState,
  PrintersHealth,
  QueuesHealth,
  RecentError,
  StorageSpace,
} from '@gantry/schemas'

import { inTime, type Cache, type Timers } from '../../kernel/index.js'

/** What an instance sees around it; what it knows of itself is added by who answers. */
export type SurroundingHealth = Omit<DetailedHealth, keyof Health | 'memory' | 'env' | 'commit'>

export interface SurroundingsDeps {
  instanceId: string
  roles: readonly string[]
  databaseHealth: () => Promise<DatabaseHealth>
  cache: Pick<Cache, 'stats'>
  queues: () => Promise<AllQueueStatistics>
  /** For how many seconds the order that waits longest for its queue has been due. */
  oldestOrder: () => Promise<number | null>
  storage: () => Promise<StorageSpace>
  printers: () => Promise<PrintersHealth>
  lastErrors: () => RecentError[]
  /** Takes secrets out of what a failed look says. */
  mask: (text: string) => string
  clock: Pick<Timers, 'monotonicMs'>
}

/** A look that takes longer has failed. */
const LOOK_MS = 2_000
/** An order that waits longer for its queue is not just about to be handed over. */
const LATE_ORDER_SECONDS = 60

/** Looks at everything around this instance at once. No part waits for another, and none makes the whole fail. */
export class Surroundings {
  constructor(private readonly deps: SurroundingsDeps) {}

  async look(): Promise<SurroundingHealth> {
    const { instanceId, roles, databaseHealth, queues, oldestOrder, storage, printers, lastErrors } = this.deps
    const [database, queuesSeen, outbox, storageSeen, printersSeen] = await Promise.all([
      this.part(databaseHealth, stateOfDatabase),
      this.part(async () => queuesIn(await queues()), stateOfQueues),
      this.part(
        async () => ({ oldestDueSeconds: await oldestOrder() }),
        ({ oldestDueSeconds }) => ((oldestDueSeconds ?? 0) > LATE_ORDER_SECONDS ? 'degraded' : 'ok'),
      ),
      this.part(storage, ({ freeBytes, reservedBytes }) => (freeBytes > reservedBytes ? 'ok' : 'degraded')),
      this.part(printers, ({ disconnected, stale }) => (disconnected + stale > 0 ? 'degraded' : 'ok')),
    ])
    return {
      ...{ instanceId, roles: [...roles], database, ...this.caches(), queues: queuesSeen, outbox },
      ...{ storage: storageSeen, printers: printersSeen, lastErrors: lastErrors() },
    }
  }

  /** Both are known without a question. */
  private caches(): Pick<SurroundingHealth, 'cache' | 'redis'> {
    const { strategy, memory, redis } = this.deps.cache.stats()
    const known = { tookSeconds: 0, error: null }
    return {
      redis: { ...known, status: stateOfRedis(redis), detail: redis },
      cache: { ...known, status: memory.answering ? 'ok' : 'degraded', detail: { strategy, memory } },
    }
  }

  private async part<D>(look: () => Promise<D>, judge: (detail: D) => PartState): Promise<HealthPart<D>> {
    const { clock, mask } = this.deps
    const beganMs = clock.monotonicMs()
    const tookSeconds = () => Math.round(clock.monotonicMs() - beganMs) / 1_000
    try {
      const detail = await inTime(LOOK_MS, look())
      return { status: judge(detail), tookSeconds: tookSeconds(), error: null, detail }
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      return { status: 'failed', tookSeconds: tookSeconds(), error: mask(why), detail: null }
    }
  }
}

const stateOfDatabase = ({ primary, replicas }: DatabaseHealth): PartState => {
  if (!primary.reachable) return 'failed'
  return replicas.every(({ state }) => state === 'usable') ? 'ok' : 'degraded'
}

const stateOfRedis = (redis: ReturnType<Cache['stats']>['redis']): PartState => {
  if (redis === null) return 'off'
  if (!redis.connected) return 'failed'
  return redis.breaker === 'closed' && redis.inStep ? 'ok' : 'degraded'
}

const stateOfQueues = ({ reachable, failed }: QueuesHealth): PartState => {
  if (!reachable) return 'failed'
  return failed > 0 ? 'degraded' : 'ok'
}

const queuesIn = ({ queueReachable, data }: AllQueueStatistics): QueuesHealth => {
  const queues = Object.entries(data).map(([name, statistics]) => {
    const { waiting, active, delayed, failed, paused, oldestAgeSeconds: lagSeconds } = statistics
    return [name, { waiting, active, delayed, failed, paused, lagSeconds }] as const
  })
  const lags = queues.flatMap(([, { lagSeconds }]) => (lagSeconds === null ? [] : [lagSeconds]))
  return {
    reachable: queueReachable,
    failed: queues.reduce((sum, [, { failed }]) => sum + failed, 0),
    lagSeconds: lags.length === 0 ? null : Math.max(...lags),
    queues: Object.fromEntries(queues),
  }
}
