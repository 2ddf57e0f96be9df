import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'

import type { DatabaseObserver } from '../kernel/database-observer.port.js'

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
  read: () => { labels: Record<L, string>; value: number }[]
}

/** The numbers of one application in a registry of its own, so that several may live in one process. */
export interface Metrics {
  readonly registry: Registry
  requestFinished(outcome: RequestOutcome): void
  procedureFinished(outcome: ProcedureOutcome): void
  /** Reads a number whenever metrics are scraped. */
  gauge(name: string, help: string, read: () => number): void
  /** Numbers by label, counted elsewhere and read whenever metrics are scraped. */
  readings<L extends string>(reading: Readings<L>): void
  counter<L extends string>(name: string, help: string, labelNames?: readonly L[]): Counter<L>
  /** @param buckets upper bounds in seconds; by default those of requests */
  histogram<L extends string>(
    name: string,
    help: string,
    labelNames?: readonly L[],
    buckets?: readonly number[],
  ): Histogram<L>
}

/** What the database layer tells, as numbers. */
export const databaseMetrics = (metrics: Metrics): DatabaseObserver => {
  const operations = metrics.histogram(
    'gantry_database_operation_duration_seconds',
    'Time of one operation of the database client.',
    ['database', 'model', 'operation', 'outcome'],
  )
  const reads = metrics.counter(
    'gantry_database_reads_total',
    'Reads that a replica may serve, by who served them; counted only where there are replicas.',
    ['served_by'],
  )
  const lost = metrics.counter(
    'gantry_database_replicas_lost_total',
    'How often no replica was left and the primary had to serve all reads.',
  )
  return {
    operationEnded: ({ database, model, operation, failed, durationSeconds }) =>
      operations.observe(
        { database, model: model ?? 'raw', operation, outcome: failed ? 'failed' : 'ok' },
        durationSeconds,
      ),
    readServed: (by) => reads.inc({ served_by: by }),
    replicasChanged: (anyUsable) => {
      if (!anyUsable) lost.inc()
    },
  }
}

class PrometheusMetrics implements Metrics {
  readonly registry = new Registry()

  private readonly requests = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Time from the request line to the last byte of the answer.',
    labelNames: ['method', 'route', 'status'] as const,
    buckets: REQUEST_BUCKETS,
    registers: [this.registry],
  })

  private readonly procedures = new Histogram({
    name: 'gantry_procedure_duration_seconds',
    help: 'Time of one procedure call; for subscriptions until the stream begins.',
    labelNames: ['procedure', 'type', 'code'] as const,
    buckets: REQUEST_BUCKETS,
    registers: [this.registry],
  })

  constructor(collectDefaults: boolean) {
    if (collectDefaults) collectDefaultMetrics({ register: this.registry })
  }

  requestFinished({ method, route, status, durationSeconds }: RequestOutcome): void {
    this.requests.observe({ method, route, status }, durationSeconds)
  }

  procedureFinished({ procedure, type, code, durationSeconds }: ProcedureOutcome): void {
    this.procedures.observe({ procedure, type, code }, durationSeconds)
  }

  gauge(name: string, help: string, read: () => number): void {
    new Gauge({
      name,
      help,
      registers: [this.registry],
      collect() {
        this.set(read())
      },
    })
  }

  readings<L extends string>({ type, name, help, labelNames, read }: Readings<L>): void {
    new (type === 'counter' ? Counter : Gauge)<L>({
      ...{ name, help, labelNames: [...labelNames] },
      registers: [this.registry],
      collect() {
        this.reset()
        for (const { labels, value } of read()) this.inc(labels, value)
      },
    })
  }

  counter<L extends string>(name: string, help: string, labelNames: readonly L[] = []): Counter<L> {
    return new Counter({ name, help, labelNames: [...labelNames], registers: [this.registry] })
  }

  histogram<L extends string>(
    name: string,
    help: string,
    labelNames: readonly L[] = [],
    buckets: readonly number[] = REQUEST_BUCKETS,
  ): Histogram<L> {
    return new Histogram({
      name,
      help,
      labelNames: [...labelNames],
      buckets: [...buckets],
      registers: [this.registry],
    })
  }
}

/** @param collectDefaults whether the process's own numbers (memory, event loop, collections) are measured too */
export const createMetrics = ({ collectDefaults = true } = {}): Metrics => new PrometheusMetrics(collectDefaults)
