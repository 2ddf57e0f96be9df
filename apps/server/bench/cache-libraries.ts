import { BentoCache, bentostore } from 'bentocache'
import { memoryDriver } from 'bentocache/drivers/memory'
import { createCache } from 'cache-manager'
import { Cacheable, createKeyv } from 'cacheable'

/** Another cache, as far as a hit in memory needs it. */
export interface CacheLibrary {
  name: string
  get: (key: string) => Promise<unknown>
  set: (key: string, value: object) => Promise<unknown>
  close: () => Promise<void>
}

/**
 * Memory alone, and the options that each has by default, times included; bentocache is told how many values it may
 * keep. By default two of them copy what they hand out (bentocache by JSON, cacheable by cloning) and ours does not, so
 * both stand there also without: `serialize: false`, `useClone: false`. cache-manager hands out what it was given.
 */
export const openLibraries = (maxItems: number): CacheLibrary[] => [
  bento('bentocache', { maxItems }),
  bento('bentocache, serialize: false', { maxItems, serialize: false }),
  cacheable('cacheable', new Cacheable()),
  cacheable('cacheable, useClone: false', new Cacheable({ primary: createKeyv({ useClone: false }) })),
  cacheManager(),
]

const bento = (name: string, options: Parameters<typeof memoryDriver>[0]): CacheLibrary => {
  const stores = { memory: bentostore().useL1Layer(memoryDriver(options)) }
  const cache = new BentoCache({ default: 'memory', stores })
  return {
    name,
    get: (key) => cache.get<unknown>({ key }),
    set: (key, value) => cache.set({ key, value }),
    close: () => cache.disconnectAll(),
  }
}

const cacheable = (name: string, cache: Cacheable): CacheLibrary => ({
  name,
  get: (key) => cache.get(key),
  set: (key, value) => cache.set(key, value),
  close: () => cache.disconnect(),
})

const cacheManager = (): CacheLibrary => {
  const cache = createCache()
  return {
    name: 'cache-manager',
    get: (key) => cache.get(key),
    set: (key, value) => cache.set(key, value),
    close: () => cache.disconnect(),
  }
}
