import { setTimeout as sleep } from 'node:timers/promises'

import type { CacheStats, DatabaseHealth } from '@gantry/schemas'

import { eventually } from '../eventually.js'
import type { Farm } from '../farm/farm.js'
import type { GantryInstance } from '../farm/gantry-instance.js'
import type { SeededRandom } from '../random.js'
import type { Crowd } from './crowd.js'
import { cacheStatsCall, databaseHealthCall, resultOf } from './project-calls.js'

/** One way to break what is read from. */
export interface Way {
  /** Breaks it, lets it be broken for a while, and makes it whole. */
  strike: (farm: Farm, draws: SeededRandom) => Promise<void>
  /** Requests cannot be answered meanwhile. @default false */
  stopsRequests?: boolean
}

/** On a machine that has more to do than it can, as much longer (see {@link Farm.slowness}). */
const RECOVERED_WITHIN_MS = 5_000
/** In which everything works, and the tighter bound holds. */
const WHOLE_MS = [700, 2_000] as const

/**
 * Breaks one thing after the other, each as often as it is ordered, in an order that is drawn. The next one begins when
 * every instance has recovered from the last.
 */
export const breakInTurn = async (crowd: Crowd, ways: Readonly<Record<string, Way>>): Promise<void> => {
  const { trial } = crowd
  const draws = trial.random.stream('breakages')
  const left = Object.keys(ways).flatMap((what) => Array.from({ length: trial.ordered(what) }, () => what))
  await recovered(crowd)
  while (left.length > 0 && !crowd.isOver()) {
    await sleep(draws.between(...WHOLE_MS))
    const [what = ''] = left.splice(draws.whole(0, left.length - 1), 1)
    const way = ways[what]
    if (way === undefined) throw new Error(`nobody knows how to break: ${what}`)
    await breakOnce(crowd, what, way, draws)
    trial.struck(what)
  }
  await sleep(draws.between(...WHOLE_MS))
}

const breakOnce = async (crowd: Crowd, what: string, way: Way, draws: SeededRandom): Promise<void> => {
  const { trial } = crowd
  const breakage = {
    ...{ what, fromMs: performance.now(), untilMs: Infinity, recoveredMs: Infinity },
    stopsRequests: way.stopsRequests ?? false,
  }
  trial.reading.breakages.push(breakage)
  await way.strike(trial.farm, draws)
  breakage.untilMs = performance.now()
  trial.disturbed()
  await recovered(crowd, what)
  breakage.recoveredMs = performance.now()
}

/** @throws Error when the layers have not come together again in time */
const recovered = async (crowd: Crowd, from = 'the start'): Promise<void> => {
  const { farm } = crowd.trial
  const areWell = async () => {
    const well = await Promise.all(farm.instances.map((instance) => isWell(crowd, instance)))
    return well.every(Boolean)
  }
  const withinMs = RECOVERED_WITHIN_MS * farm.slowness
  await eventually(`every instance has recovered from: ${from}`, areWell, { withinMs, everyMs: 100 })
}

const isWell = async ({ http, admin }: Crowd, instance: GantryInstance): Promise<boolean> => {
  const [cache, database] = [
    await http.call(instance, admin, cacheStatsCall),
    await http.call(instance, admin, databaseHealthCall),
  ]
  if (cache === null || database === null) return false
  const { memory, redis } = resultOf(cache) as CacheStats
  const { primary, replicas } = resultOf(database) as DatabaseHealth
  const isRedisWell = redis === null || (redis.connected && redis.breaker === 'closed' && redis.inStep)
  return memory.answering && isRedisWell && primary.reachable && replicas.every(({ state }) => state === 'usable')
}
