/** Loaded into the measured server before its own code: tells memory, CPU and event-loop delay when it is asked. */
import { monitorEventLoopDelay } from 'node:perf_hooks'

const RESOLUTION_MS = 10
const SAMPLE_MS = 50

export interface ServerReading {
  rssBytes: number
  /** Highest since the last reading, sampled every 50 ms. */
  peakRssBytes: number
  /** User and system time of the whole process since its start, all threads. */
  cpuMicros: number
  /** How much later than due the event loop came round since the last reading. */
  loopDelayP50Ms: number
  loopDelayP99Ms: number
  loopDelayMaxMs: number
}

const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
delay.enable()
let peakRssBytes = 0
const rss = () => process.memoryUsage.rss()
setInterval(() => (peakRssBytes = Math.max(peakRssBytes, rss())), SAMPLE_MS).unref()

// The histogram holds the time between two rounds, of which its resolution is no delay.
const ms = (nanos: number) => Math.max(0, nanos / 1e6 - RESOLUTION_MS)

process.on('message', () => {
  const { user, system } = process.cpuUsage()
  process.send?.({
    rssBytes: rss(),
    peakRssBytes: Math.max(peakRssBytes, rss()),
    cpuMicros: user + system,
    loopDelayP50Ms: ms(delay.percentile(50)),
    loopDelayP99Ms: ms(delay.percentile(99)),
    loopDelayMaxMs: ms(delay.max),
  } satisfies ServerReading)
  delay.reset()
  peakRssBytes = 0
})
