import { AsyncLocalStorage } from 'node:async_hooks'

import type { Span, SpanAttributes, SpanKind, Tracer } from './spans.port.js'

/** What one request or job has cost so far. */
export interface Spent {
  /** Milliseconds of all database operations together; those at the same time count each. */
  databaseMs: number
  databaseOperations: number
  /** Values that it wanted of the cache. */
  cacheReads: number
  /** Of these, those that had to be made. */
  cacheLoads: number
}

/** The request or job that is worked on, for whatever it causes: lines of the log, reports of errors, jobs, spans. */
export interface Correlation {
  /** Stand in every line of the log and every reported error, such as `requestId` and `userId`. */
  readonly fields: Readonly<Record<string, unknown>>
  readonly spent: Spent
  /** Null: not traced. */
  readonly span: Span | null
}

const storage = new AsyncLocalStorage<Correlation>()

/** What this code runs for; undefined outside any request or job. */
export const correlation = (): Correlation | undefined => storage.getStore()

export const correlationOf = (fields: Correlation['fields'], span: Span | null = null): Correlation => ({
  fields,
  spent: { databaseMs: 0, databaseOperations: 0, cacheReads: 0, cacheLoads: 0 },
  span,
})

/** What is known of it, for a line of the log or a report. */
export const fieldsOf = ({ fields, span }: Correlation): Correlation['fields'] =>
  span === null ? fields : { ...fields, traceId: span.traceId }

/** Runs, and whatever that begins, for this request or job. */
export const correlated = <T>(of: Correlation, run: () => T): T => storage.run(of, run)

/** Runs, and whatever that begins, for nobody: work for all must not count as that of whoever gave the hint. */
export const uncorrelated = <T>(run: () => T): T => storage.exit(run)

/** What goes with a job that is ordered now, so that its lines and spans join those of its cause. */
export interface Origin {
  requestId?: string | undefined
  traceparent?: string | undefined
}

/** Null outside of requests and jobs. */
export const origin = (): Origin | null => {
  const current = storage.getStore()
  if (current === undefined) return null
  const { requestId } = current.fields
  const known = typeof requestId === 'string' ? { requestId } : {}
  return current.span === null ? known : { ...known, traceparent: current.span.traceparent }
}

/** Work that was ordered earlier, or elsewhere, as a part of what ordered it. */
export const resumed = (
  tracer: Tracer,
  name: string,
  from: Origin | null | undefined,
  about: Correlation['fields'],
): Correlation => {
  const fields = from?.requestId === undefined ? about : { ...about, requestId: from.requestId }
  return correlationOf(fields, tracer.begin(name, 'consumer', from?.traceparent ?? null))
}

/** A part of what is worked on, with a span of its own when that is traced. */
export const inSpan = async <T>(
  name: string,
  kind: SpanKind,
  attributes: SpanAttributes,
  run: () => Promise<T>,
): Promise<T> => {
  const current = storage.getStore()
  if (current === undefined || current.span === null) return run()
  const span = current.span.child(name, kind, attributes)
  return ended(span, storage.run({ ...current, span }, run))
}

/** Ends the span with the work. */
export const ended = async <T>(span: Span | null, work: Promise<T>): Promise<T> => {
  try {
    const result = await work
    span?.end()
    return result
  } catch (error) {
    span?.end(error)
    throw error
  }
}
