import type { Context } from '../trpc/context.js'
import type { Answers } from '../trpc/answers.js'
import type { LiveStreams } from '../trpc/live-streams.js'
import type { Services } from '../trpc/services.js'
import { ExchangeCookies } from './browsers/exchange-cookies.js'
import type { Exchange } from './exchange.js'
import type { HttpMetrics } from './metrics.port.js'

export interface ContextSources {
  services: Services
  liveStreams: LiveStreams
  /** Null: no answers are kept. */
  answers: Answers | null
  metrics: HttpMetrics
}

/** What the procedures of one request know of it. */
export const contextOf = (
  exchange: Exchange,
  { services, liveStreams, answers, metrics }: ContextSources,
): Context => ({
  requestId: exchange.requestId,
  signal: () => exchange.signal,
  unlessAborted: (promise) => exchange.unlessAborted(promise),
  log: exchange.log,
  actor: exchange.actor,
  client: { ip: exchange.address, userAgent: exchange.req.headers['user-agent'] ?? null },
  cookies: new ExchangeCookies(exchange),
  services,
  liveStreams,
  answers,
  procedureFinished: (outcome) => {
    if (outcome.code !== 'OK') exchange.errorCodes.add(outcome.code)
    metrics.procedureFinished(outcome)
  },
})
