/** A worker process that says what memory it has, after clearing up, whenever it is asked. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

import { openJobs, type ShopAddress } from './job-shop.js'

export interface MemoryReading {
  handled: number
  rssBytes: number
  heapBytes: number
}

setFlagsFromString('--expose_gc')
const collect = runInNewContext('gc') as () => void

let handled = 0
const address = JSON.parse(process.argv[2] ?? '') as ShopAddress
const { stop } = await openJobs(address, () => {
  handled += 1
  return Promise.resolve()
})

process.on('message', (clear: boolean) => {
  if (clear) collect()
  const { rss, heapUsed } = process.memoryUsage()
  process.send?.({ handled, rssBytes: rss, heapBytes: heapUsed } satisfies MemoryReading)
})
process.on('SIGTERM', () => void stop().then(() => process.exit(0)))
process.send?.('working')
