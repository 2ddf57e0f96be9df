import type { IncomingMessage } from 'node:http'

import { getRequestListener } from '@hono/node-server'
import type { AnyRouter, TRPCError } from '@trpc/server'
import { fetchRequestHandler } from '@trpc/server/adapters/fetch'

import { ERROR_TABLE, GantryError } from '../kernel/errors.js'
import { gantryErrorOf } from '../trpc/gantry-error-of.js'
import { contextOf, type ContextSources } from './context.js'
import type { Exchange } from './exchange.js'
import { assertJsonOnly, readJsonBody } from './limits/json-body.js'
import { KeptAnswers, MISS_HEADERS } from './kept-answers.js'
import type { KeptCalls } from './kept-calls.js'
import { retryAfter } from './respond.js'
import type { Route } from './route.js'
import { LIMITS } from './settings.js'
import { isSubscription, procedureNames, proceduresOf } from './trpc-procedures.js'
import { sendTrpcError, withRequestId } from './trpc-errors.js'
import { withRetryHint } from './trpc-stream.js'

export interface TrpcRouteOptions extends ContextSources {
  router: AnyRouter
  bodyTimeoutMs: number
}

/**
 * The error that stands for a whole answer, when all calls failed for one reason: of several the one that wants the
 * longest wait. Else the status is tRPC's own choice (207), and every member says for itself when to come back.
 */
const refusalOf = (errors: readonly TRPCError[], calls: number): GantryError | null => {
  const failures = errors.map((error) => gantryErrorOf(error))
  if (failures.length !== calls || new Set(failures.map(({ code }) => code)).size !== 1) return null
  const waits = ({ retryAfterSeconds }: GantryError) => retryAfterSeconds ?? 0
  return failures.reduce((longest, failure) => (waits(failure) > waits(longest) ? failure : longest))
}

const metaOf = (refusal: GantryError | null, more: Record<string, string>) => {
  const later = refusal === null ? null : retryAfter(refusal)
  return {
    headers: new Headers({ vary: 'origin', ...more, ...(later !== null && { 'retry-after': later }) }),
    status: refusal === null ? undefined : ERROR_TABLE[refusal.code].httpStatus,
  }
}

const tooManyCalls = () =>
  new GantryError('VALIDATION_FAILED', { params: { detail: `a batch has at most ${LIMITS.batchMembers} calls` } })

const asStream = (exchange: Exchange, response: Response): Response => {
  if (response.ok) exchange.streamBeganMs = performance.now()
  return withRetryHint(response)
}

/** `/trpc/*`: queries by GET, mutations by POST with JSON, subscriptions as server-sent events. */
export const trpcRoute = (options: TrpcRouteOptions): Route => {
  const procedures = proceduresOf(options.router)
  const kept = new KeptAnswers({ ...options, procedures })

  const answer = async (exchange: Exchange, calls: KeptCalls | undefined, request: Request): Promise<Response> => {
    const context = contextOf(exchange, options)
    context.inBatch = exchange.procedures.length > 1
    if (calls !== undefined) context.inputParsed = (index, input) => kept.remember(calls, index, input)
    const response = await fetchRequestHandler({
      endpoint: '/trpc',
      req: request,
      router: options.router,
      maxBatchSize: LIMITS.batchMembers,
      createContext: () => context,
      onError: ({ error }) => exchange.errorCodes.add(gantryErrorOf(error).code),
      responseMeta: ({ errors }) =>
        metaOf(
          refusalOf(errors, exchange.procedures.length),
          calls !== undefined && errors.length === 0 ? MISS_HEADERS : {},
        ),
    })
    if (isSubscription(exchange.procedures, procedures)) return asStream(exchange, response)
    return response.ok ? response : withRequestId(response, exchange.requestId)
  }

  return {
    method: '*',
    pattern: '/trpc/*',
    access: 'guarded',
    prepare: (exchange) => {
      const names = kept.callsOf(exchange)?.procedures ?? procedureNames(exchange, procedures)
      exchange.procedures = names.slice(0, LIMITS.batchMembers)
      if (names.length > LIMITS.batchMembers) throw tooManyCalls()
    },
    isLong: (exchange) => isSubscription(exchange.procedures, procedures),
    cost: (exchange) => exchange.procedures.length,
    sendError: (exchange, error) =>
      sendTrpcError(exchange, error, isSubscription(exchange.procedures, procedures) ? 'stream' : 'json'),
    shortcut: async (exchange) => {
      assertJsonOnly(exchange)
      const calls = kept.callsOf(exchange)
      return calls !== undefined && kept.answer(exchange, calls)
    },
    handle: async (exchange) => {
      const calls = kept.callsOf(exchange)
      // The adapter takes a body that was read already from here; reading it is bounded in size and time by us.
      const incoming = exchange.req as IncomingMessage & { rawBody?: Buffer }
      incoming.rawBody = await readJsonBody(exchange, options.bodyTimeoutMs)
      const listener = getRequestListener((request) => answer(exchange, calls, request), {
        // The process's own Request and Response stay as they are: drivers and tests use them too.
        overrideGlobalObjects: false,
        errorHandler: (cause) => {
          sendTrpcError(exchange, new GantryError('VALIDATION_FAILED', { detail: 'unusable request', cause }), 'json')
        },
      })
      await listener(incoming, exchange.res)
    },
  }
}
