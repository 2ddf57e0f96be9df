import { setTimeout as sleep } from 'node:timers/promises'

import type { PostgresProcess } from '../../processes/postgres-process.js'
import { eventually } from '../eventually.js'
import type { Farm } from '../farm/farm.js'
import type { Way } from './breakages.js'

/** Longer than a replica that is read may lag, and than memory answers without word of changes. */
const LONG_MS = [2_200, 3_200] as const
const DOWN_MS = [500, 2_000] as const
/** What is put in again is spoiled again. */
const SPOIL_ROUNDS = 8
const SPOIL_PAUSE_MS = 200

/** As `postgres-bus.ts` names the connections by which instances hear of each other. */
const NOTICES = 'gantry notices'

const databaseStopped: Way = {
  stopsRequests: true,
  strike: async ({ postgres }, draws) => {
    await postgres.crash()
    await sleep(draws.between(...DOWN_MS))
    await postgres.boot()
  },
}

const noticesCut: Way = {
  strike: async ({ db, instances }) => {
    const cut = async () => {
      const { length } = await db.query(CUT_NOTICES, [NOTICES, instances.length])
      return length >= instances.length
    }
    // An instance that lost its connection before takes a moment to listen again.
    await eventually('every instance listens', cut)
  },
}

/** All of them, or none. */
const CUT_NOTICES = `
  WITH listening AS (
    SELECT pid, count(*) OVER () AS listeners FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = $1
  )
  SELECT pg_terminate_backend(pid) FROM listening WHERE listeners >= $2`

const redisWiped: Way = { strike: ({ layers }) => layers.redis.wipe() }

const redisRestarted: Way = {
  strike: async ({ layers: { redis } }, draws) => {
    await redis.kill()
    await sleep(draws.between(...DOWN_MS))
    await redis.restart()
  },
}

const redisFull: Way = {
  strike: async ({ layers: { redis } }, draws) => {
    await redis.fill(true)
    await sleep(draws.between(...LONG_MS))
    await redis.fill(false)
  },
}

const redisSpoiled: Way = {
  strike: async ({ layers: { redis } }) => {
    let spoiled = 0
    for (let round = 0; round < SPOIL_ROUNDS; round += 1) {
      spoiled += await redis.spoil()
      await sleep(SPOIL_PAUSE_MS)
    }
    if (spoiled === 0) throw new Error('there was nothing in Redis to be spoiled')
  },
}

/** For one instance, or for all of them. */
const redisBlackHole: Way = {
  strike: async ({ layers: { redis } }, draws) => {
    const held = draws.chance(0.5) ? redis.links : [draws.pick(redis.links)]
    for (const link of held) link.hold()
    await sleep(draws.between(...LONG_MS))
    for (const link of held) link.release()
  },
}

const admin = (replica: PostgresProcess, sql: string) => replica.asAdmin((client) => client.query(sql))

/** It takes what comes from the primary, and shows none of it. */
const replicaPaused: Way = {
  strike: async ({ layers }, draws) => {
    const replica = draws.pick(layers.replicas)
    await admin(replica, 'SELECT pg_wal_replay_pause()')
    await sleep(draws.between(...LONG_MS))
    await admin(replica, 'SELECT pg_wal_replay_resume()')
  },
}

const replicaBehind: Way = {
  strike: async ({ layers }, draws) => {
    const replica = draws.pick(layers.replicas)
    const delay = async (time: string) => {
      await admin(replica, `ALTER SYSTEM SET recovery_min_apply_delay = '${time}'`)
      await admin(replica, 'SELECT pg_reload_conf()')
    }
    await delay('30s')
    await sleep(draws.between(...LONG_MS))
    await delay('0')
  },
}

const stopAndStart = async (replicas: readonly PostgresProcess[], downMs: number): Promise<void> => {
  await Promise.all(replicas.map((replica) => replica.stop()))
  await sleep(downMs)
  await Promise.all(replicas.map((replica) => replica.start()))
}

const replicaKilled: Way = {
  strike: ({ layers }: Farm, draws) => stopAndStart([draws.pick(layers.replicas)], draws.between(...DOWN_MS)),
}

const replicasGone: Way = {
  strike: ({ layers }: Farm, draws) => stopAndStart(layers.replicas, draws.between(...LONG_MS)),
}

/** What can be broken where there is one PostgreSQL and nothing else. */
export const PLAIN_WAYS = {
  'database stopped': databaseStopped,
  'LISTEN cut': noticesCut,
} as const satisfies Record<string, Way>

/** And what more where there are two replicas and a Redis. */
export const LAYERED_WAYS = {
  ...PLAIN_WAYS,
  'Redis wiped': redisWiped,
  'Redis restarted': redisRestarted,
  'Redis full': redisFull,
  'Redis spoiled': redisSpoiled,
  'Redis black hole': redisBlackHole,
  'replica paused': replicaPaused,
  'replica 30 s behind': replicaBehind,
  'replica killed': replicaKilled,
  'all replicas gone': replicasGone,
} as const satisfies Record<string, Way>
