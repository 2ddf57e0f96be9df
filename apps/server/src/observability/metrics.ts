import type { SystemPerformance } from '@gantry/schemas'
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'

import { ERROR_TABLE } from '../kernel/errors.js'
import { exposed, type Exposition, type MetricsFormat } from './exposition.js'
import { NoMetrics } from './no-metrics.js'
import { Pace, type CallEnd } from './pace.js'

const REQUEST_BUCKETS = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

export interface RequestOutcome {
  method: string
  /** The route's pattern, never the path itself: the number of label values must stay small. */
  route: string
  status: number
  durationSeconds: number
}

export interface ProcedureOutcome {
  /** A name that the router knows. */
  procedure: string
  type: string
  /** `OK`, or the error code. */
  code: string
  durationSeconds: number
}

export interface Readings<L extends string> {
  /** A counter only grows; a gauge also falls. */
  type: 'counter' | 'gauge'
  name: string
  help: string
  labelNames: readonly L[]
  /** Nothing when nothing is known: then the family has no sample, which can be alerted on. */
  read: () => { labels: Record<L, string>; value: number }[]
}

type Labels<L extends string> = Partial<Record<L, string | number>>

export interface CounterOf<L extends string> {
  inc(labels: Labels<L>, value?: number): void
  inc(value?: number): void
}

export interface HistogramOf<L extends string> {
  observe(labels: Labels<L>, value: number): void
}

export interface MetricFamily {
  name: string
  type: string
  help: string
  labelNames: readonly string[]
}

/** The numbers of one application in a registry of its own, so that several may live in one process. */
export interface Metrics {
  /** False: nothing is counted and nothing is read. */
  readonly enabled: boolean
  requestFinished(outcome: RequestOutcome): void
  procedureFinished(outcome: ProcedureOutcome): void
  /** Reads a number whenever metrics are scraped; the read must not wait for anything. */
  gauge(name: string, help: string, read: () => number): void
  /** Numbers by label, counted elsewhere and read whenever metrics are scraped. */
  readings<L extends string>(reading: Readings<L>): void
  counter<L extends string>(name: string, help: string, labelNames?: readonly L[]): CounterOf<L>
  /** @param buckets upper bounds in seconds; by default those of requests */
  histogram<L extends string>(
    name: string,
    help: string,
    labelNames?: readonly L[],
    buckets?: readonly number[],
  ): HistogramOf<L>
  /** What there is to read, whether it has samples yet or not. */
  families(): MetricFamily[]
  expose(format: MetricsFormat): Promise<Exposition>
  /** Of the last minutes; null where nothing is counted. */
  pace(): SystemPerformance | null
}

const statusOf = (code: string): number => {
  const table: Readonly<Record<string, { httpStatus: number } | undefined>> = ERROR_TABLE
  return code === 'OK' ? 200 : (table[code]?.httpStatus ?? 500)
}

/** That the client left, which has the status 499 here, is nobody's error. */
const endOf = (status: number): CallEnd => (status < 400 || status === 499 ? 'ok' : status < 500 ? 'refused' : 'failed')

class PrometheusMetrics implements Metrics {
  readonly enabled = true
  private readonly registry = new Registry()
  private readonly recent = new Pace()

  private readonly requests = this.histogram(
    'http_request_duration_seconds',
    'Time from the request line to the last byte of the answer; of a live stream to its first.',
    ['method', 'route', 'status'],
  )

  private readonly procedures = this.histogram(
    'gantry_procedure_duration_seconds',
    'Time of one procedure call; for subscriptions until the stream begins.',
    ['procedure', 'type', 'code'],
  )

  constructor(collectDefaults: boolean) {
    if (collectDefaults) collectDefaultMetrics({ register: this.registry })
  }

  requestFinished({ method, route, status, durationSeconds }: RequestOutcome): void {
    this.requests.observe({ method, route, status }, durationSeconds)
    this.recent.request(endOf(status), durationSeconds)
  }

  procedureFinished({ procedure, type, code, durationSeconds }: ProcedureOutcome): void {
    this.procedures.observe({ procedure, type, code }, durationSeconds)
    this.recent.procedure(procedure, endOf(statusOf(code)), durationSeconds)
  }

  gauge(name: string, help: string, read: () => number): void {
    this.readings({ type: 'gauge', name, help, labelNames: [], read: () => [{ labels: {}, value: read() }] })
  }

  readings<L extends string>({ type, name, help, labelNames, read }: Readings<L>): void {
    new (type === 'counter' ? Counter : Gauge)<L>({
      ...{ name, help, labelNames: [...labelNames] },
      registers: [this.registry],
      collect() {
        this.reset()
        const values = read()
        for (const { labels, value } of values) this.inc(labels, value)
        // A reset leaves a zero where there are no labels, which nobody has read.
        if (values.length === 0 && labelNames.length === 0) this.remove()
      },
    })
  }

  counter<L extends string>(name: string, help: string, labelNames: readonly L[] = []): CounterOf<L> {
    return new Counter({ name, help, labelNames: [...labelNames], registers: [this.registry] })
  }

  histogram<L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[] = [],
    buckets: readonly number[] = REQUEST_BUCKETS,
  ): HistogramOf<L> {
    return new Histogram({
      name,
      help,
      labelNames: [...labelNames],
      buckets: [...buckets],
      registers: [this.registry],
    })
  }

  families(): MetricFamily[] {
    // The library knows the labels of each and has no type for it.
    const registered = this.registry.getMetricsAsArray() as unknown as MetricFamily[]
    return registered.map(({ name, type, help, labelNames }) => ({ name, type, help, labelNames }))
  }

  expose(format: MetricsFormat): Promise<Exposition> {
    return exposed(this.registry, format)
  }

  pace(): SystemPerformance {
    return this.recent.read()
  }
}

export interface MetricsOptions {
  /** @default true */
  enabled?: boolean
  /** Whether the process's own numbers (memory, event loop, collections) are measured too. @default true */
  collectDefaults?: boolean
}

export const createMetrics = ({ enabled = true, collectDefaults = true }: MetricsOptions = {}): Metrics =>
  enabled ? new PrometheusMetrics(collectDefaults) : new NoMetrics()
