import { printJobOrder, printJobState, projectStatus } from '@gantry/schemas'
import { z } from 'zod'

import type { Config } from '../config/config.js'
import type { Actor, Cache, Lifecycle, Logger, Timers } from '../kernel/index.js'
import { cacheWarmup } from '../modules/cache-warmup/cache-warmup.jobs.js'
import { CacheWarmer, type AskQuery } from '../modules/cache-warmup/cache-warmer.js'
import { HotQueries, type HotQueriesDeps } from '../modules/cache-warmup/hot-queries.js'
import { WarmUpOrders } from '../modules/cache-warmup/warm-up-orders.js'
import type { Services } from '../trpc/services.js'
import type { Persistence } from './persistence.js'

export interface WarmUpDeps {
  config: Pick<Config, 'cache'>
  persistence: Pick<Persistence, 'bus' | 'unitOfWork' | 'databaseHealth'>
  services: Services
  cache: Cache
  clock: Timers
  log: Logger
  lifecycle: Lifecycle
}

export interface WarmUp {
  warmer: CacheWarmer
  orders: WarmUpOrders
}

/** What people ask for is counted until the last request was answered. */
export const startHotQueries = (deps: HotQueriesDeps, lifecycle: Lifecycle): HotQueries => {
  const hotQueries = new HotQueries(deps)
  lifecycle.onStop('hot queries', () => hotQueries.stop())
  hotQueries.start()
  return hotQueries
}

const page = { limit: z.int().min(1).max(200), cursor: z.string().nullable() }
const jobQuery = z.strictObject({
  ...page,
  order: printJobOrder,
  states: z.array(printJobState),
  projectId: z.string().nullable(),
})
const projectQuery = z.strictObject({ ...page, status: projectStatus.nullable() })
const alarmQuery = z.strictObject({ ...page, open: z.boolean() })

/** What was asked of another version may be of another shape: then it is asked by nobody. */
const asking =
  <S extends z.ZodType>(query: S, ask: (actor: Actor, query: z.infer<S>) => Promise<unknown>): AskQuery =>
  async (actor, input) =>
    ask(actor, query.parse(input))

/** By the names under which the services keep them. */
const queriesOf = ({ alarms, files, printJobs, projects }: Services): Readonly<Record<string, AskQuery>> => ({
  'alarms.list': asking(alarmQuery, (actor, query) => alarms.list(actor, query)),
  'files.list': asking(z.strictObject(page), (actor, query) => files.list(actor, query)),
  'files.versions': asking(z.string(), (actor, fileId) => files.versions(actor, fileId)),
  'printJobs.list': asking(jobQuery, (actor, query) => printJobs.list(actor, query)),
  'projects.list': asking(projectQuery, (actor, query) => projects.list(actor, query)),
})

/** How long one order in Redis's name stands for those of all instances. */
const ONE_ORDER_MS = 30_000

/**
 * What warms the cache up, and what has it done. With Redis one warm-up serves all instances, so a job is ordered that one
 * of them does; without, each process has its own memory, and warms it up itself.
 */
export const openWarmUp = ({ config, persistence, services, cache, clock, log, lifecycle }: WarmUpDeps): WarmUp => {
  const { bus, unitOfWork, databaseHealth } = persistence
  const warmer = new CacheWarmer({
    queries: queriesOf(services),
    hottest: (limit) =>
      config.cache.answers ? unitOfWork.run(({ hotQueries }) => hotQueries.hottest(limit)) : Promise.resolve([]),
    isDatabaseReachable: async () => (await databaseHealth()).primary.reachable,
    ...{ cache, clock, log },
  })
  const order = () =>
    unitOfWork.run(({ jobs }) => {
      jobs.add(cacheWarmup, { queries: [] }, { deduplication: { id: 'warm-up', ttl: ONE_ORDER_MS } })
      return Promise.resolve()
    })
  const here = async (signal: AbortSignal) => {
    await warmer.run(null, signal)
  }
  const orders = new WarmUpOrders({ bus, warmUp: config.cache.redis === null ? here : order, clock, log })
  lifecycle.onStop('warm-up', () => orders.stop())
  return { warmer, orders }
}
