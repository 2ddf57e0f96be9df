import type { Exposition } from './exposition.js'
import type { CounterOf, HistogramOf, MetricFamily, Metrics } from './metrics.js'

const nothing = () => undefined
const COUNTS_NOTHING = { inc: nothing }
const OBSERVES_NOTHING = { observe: nothing }

/** Metrics that are switched off: whoever reports to them need not know, and it costs nothing. */
export class NoMetrics implements Metrics {
  readonly enabled = false
  readonly requestFinished = nothing
  readonly procedureFinished = nothing
  readonly gauge = nothing
  readonly readings = nothing

  counter<L extends string>(): CounterOf<L> {
    return COUNTS_NOTHING
  }

  histogram<L extends string>(): HistogramOf<L> {
    return OBSERVES_NOTHING
  }

  families(): MetricFamily[] {
    return []
  }

  expose(): Promise<Exposition> {
    return Promise.resolve({ contentType: 'text/plain; version=0.0.4; charset=utf-8', text: '' })
  }

  pace(): null {
    return null
  }
}
