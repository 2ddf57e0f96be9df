import type { CallOptions, ProcedureCalls } from './api.types.js'
import { unlessAborted } from './http/deadline.js'
import { retrying, type RetryPolicy } from './http/retry.js'
import type { ProcedureFacts } from './procedure-facts.js'
import type { Session } from './session/session.js'
import { iterate } from './streams/iterate.js'
import { LiveSubscription, type StreamPorts } from './streams/live-subscription.js'
import type { IterateOptions, StreamHandlers } from './streams/stream.types.js'
import { inCallSpan, type TracerLike } from './transport/call-spans.js'
import type { Transport } from './transport/transport.js'

export interface CallPorts extends StreamPorts {
  session: Pick<Session, 'authorized' | 'token' | 'renew'>
  transport: Pick<Transport, 'call' | 'subscribe'>
  retry: Omit<RetryPolicy, 'random'>
  newIdempotencyKey: () => string
  tracer?: TracerLike | undefined
}

type Input = Record<string, unknown> | undefined

const inputFor = (facts: ProcedureFacts, input: Input, newKey: () => string): Input => {
  if (!facts.input) return undefined
  if (!facts.idempotent || input?.['idempotencyKey'] !== undefined) return input ?? {}
  return { ...input, idempotencyKey: newKey() }
}

const callOf = (ports: CallPorts, path: string, facts: ProcedureFacts, type: 'query' | 'mutation') => {
  const { session, transport, retry, random, newIdempotencyKey, tracer } = ports
  const attempts = type === 'query' || facts.idempotent ? retry.attempts : 1
  return async (...args: unknown[]): Promise<unknown> => {
    const [input, options] = (facts.input ? args : [undefined, ...args]) as [Input, CallOptions | undefined]
    const signal = options?.signal
    // Made once: every try of this call is the same order to the server.
    const order = inputFor(facts, input, newIdempotencyKey)
    return inCallSpan(tracer, path, (traceparent) => {
      const once = () =>
        session.authorized((token) => transport.call(type, path, order, { token, traceparent, signal }))
      return unlessAborted(retrying(once, { ...retry, attempts, random }, signal), signal)
    })
  }
}

const streamOf = (ports: CallPorts, path: string, facts: ProcedureFacts) => {
  const open = (input: Input, handlers: StreamHandlers<unknown>) =>
    new LiveSubscription(
      ports,
      { path, input: facts.input ? (input ?? {}) : undefined, resumable: facts.resumable },
      handlers,
    )
  const subscribe = (...args: unknown[]) => {
    const [input, handlers] = args.length > 1 ? args : [undefined, args[0]]
    const stream = open(input as Input, handlers as StreamHandlers<unknown>)
    return () => stream.stop()
  }
  const iterateOver = (...args: unknown[]) => {
    const [input, options] = (facts.input ? args : [undefined, ...args]) as [Input, IterateOptions | undefined]
    return iterate((handlers) => open(input, handlers), options?.signal)
  }
  return Object.assign(subscribe, { iterate: iterateOver })
}

/** One method per procedure. */
export const procedureCalls = (
  procedures: Readonly<Record<string, ProcedureFacts>>,
  ports: CallPorts,
): ProcedureCalls => {
  const nouns: Record<string, Record<string, unknown>> = {}
  for (const [path, facts] of Object.entries(procedures)) {
    const [noun = '', verb = ''] = path.split('.')
    const verbs = (nouns[noun] ??= {})
    verbs[verb] = facts.type === 'subscription' ? streamOf(ports, path, facts) : callOf(ports, path, facts, facts.type)
  }
  // The table and the types were generated together from the same router.
  return nouns as unknown as ProcedureCalls
}
