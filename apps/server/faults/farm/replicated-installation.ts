import { ensureRedisInstalled } from '../../processes/redis-server.js'
import { startReplicatedPostgres } from '../../processes/replicated-postgres.js'
import type { FarmOptions, FarmPlace } from './farm.js'
import type { GantryInstance } from './gantry-instance.js'
import { addressIn, instanceOf, settings, urlThrough, type Installation } from './instances.js'
import { Database } from './postgres.js'
import { FarmRedis } from './read-layers.js'
import { TcpProxy } from './tcp-proxy.js'

const NAME = 'gantry'

/**
 * Instances on a primary with two streaming replicas and on a Redis, all of their own. Each has a proxy of its own to the
 * primary and one to Redis, and the last one keeps no answers. The servers end with the bench, however it ends.
 */
export const replicatedInstallation = async (options: FarmOptions, place: FarmPlace): Promise<Installation> => {
  await ensureRedisInstalled()
  const { password, environment } = await settings(place.folder)
  const servers = await startReplicatedPostgres(place.folder)
  const redis = await FarmRedis.start()
  const { primary, replicas } = servers
  const links: TcpProxy[] = []
  const instances: GantryInstance[] = []
  for (let index = 0; index < options.instances; index += 1) {
    const link = new TcpProxy(() => addressIn(primary.url))
    const toRedis = new TcpProxy(() => redis.address)
    links.push(link)
    redis.links.push(toRedis)
    const urls = {
      DATABASE_URL: await urlThrough(link, primary.url),
      READ_REPLICA_URLS: replicas.map(({ url }) => url).join(','),
      REDIS_URL: await urlThrough(toRedis, redis.url),
      REDIS_PREFIX: 'faults',
    }
    // Where no answers are kept, what is read from replicas is seen as it is.
    const keeps = { CACHE_ANSWERS: String(index < options.instances - 1) }
    instances.push(instanceOf(options, place, index, { ...environment, ...urls, ...keeps }))
  }
  const close = async () => {
    for (const link of links) await link.stop()
    await redis.stop()
    await servers.stop()
  }
  return {
    ...{ instances, links, password, close },
    postgres: { crash: () => primary.stop(), boot: () => primary.start() },
    layers: { redis, replicas },
    database: () => Promise.resolve(new Database(NAME, () => primary.url)),
  }
}
