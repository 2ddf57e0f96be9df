import type { AnyRouter } from '@trpc/server'

import { GantryError } from '../../kernel/errors.js'
import { assertPlainJson } from '../../trpc/input-transformer.js'
import { mayCall } from '../../trpc/middlewares/access.middleware.js'
import { contextOf, type ContextSources } from '../context.js'
import type { Exchange } from '../exchange.js'
import { assertJsonOnly, readJsonBody } from '../limits/json-body.js'
import { sendJson } from '../respond.js'
import type { PathParams, Route } from '../route.js'
import { LIMITS } from '../settings.js'
import { coerceInput } from './coerce-input.js'
import { restProceduresOf, takesBody, type RestProcedure } from './rest-procedures.js'

export interface RestOptions extends ContextSources {
  router: AnyRouter
  bodyTimeoutMs: number
}

const invalid = (detail: string, cause?: unknown) => new GantryError('VALIDATION_FAILED', { params: { detail }, cause })

/** @throws GantryError `VALIDATION_FAILED` when it is anything but a JSON object; an empty one is `{}` */
export const parseBody = (body: Buffer): Record<string, unknown> => {
  if (body.length === 0) return {}
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder().decode(body))
  } catch (cause) {
    throw invalid('the body is not JSON', cause)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid('the body is not a JSON object')
  assertPlainJson(value)
  return value as Record<string, unknown>
}

const queryInput = (query: URLSearchParams): Record<string, unknown> => {
  const given = new Map<string, string[]>()
  for (const [key, value] of query) {
    const values = given.get(key)
    if (values !== undefined) values.push(value)
    else if (given.size < LIMITS.queryKeys) given.set(key, [value])
    else throw invalid(`the query has more than ${LIMITS.queryKeys} names`)
  }
  // Assigned one by one, `__proto__` would become the prototype and be seen by nobody.
  const input = Object.fromEntries([...given].map(([key, values]) => [key, values.length === 1 ? values[0] : values]))
  assertPlainJson(input)
  return input
}

const inputOf = async (
  { input, rest }: RestProcedure,
  exchange: Exchange,
  params: PathParams,
  bodyTimeoutMs: number,
): Promise<unknown> => {
  const hasBody = takesBody(rest.method)
  const body = hasBody ? parseBody(await readJsonBody(exchange, bodyTimeoutMs)) : {}
  if (input === null) return undefined
  const fromUrl = coerceInput(input, { ...(hasBody ? {} : queryInput(exchange.query)), ...params }, 'url')
  return { ...(coerceInput(input, body, 'json') as object), ...(fromUrl as object) }
}

const isFunction = (value: unknown): value is (input: unknown) => Promise<unknown> => typeof value === 'function'

/** The procedure called as code calls it: through all of its middlewares and both of its parsers. */
export const callProcedure = async (
  router: AnyRouter,
  name: string,
  context: object,
  input: unknown,
): Promise<unknown> => {
  let node: unknown = router.createCaller(context)
  for (const key of name.split('.')) node = (node as Record<string, unknown>)[key]
  if (!isFunction(node)) throw new TypeError(`${name} is not callable`)
  return node(input)
}

/** One route below `/api` for every procedure whose meta says how. Dates are ISO 8601 texts on the wire. */
export const restRoutes = ({ router, bodyTimeoutMs, ...sources }: RestOptions): Route[] =>
  restProceduresOf(router).map((procedure) => ({
    method: procedure.rest.method,
    pattern: `/api${procedure.rest.path}`,
    access: 'guarded',
    handle: async (exchange, params) => {
      exchange.procedures = [procedure.name]
      assertJsonOnly(exchange)
      // The procedure refuses whoever may not call it, and what he sent is not worth reading.
      const isWanted = mayCall(exchange.actor, procedure.access)
      const input = isWanted ? await inputOf(procedure, exchange, params, bodyTimeoutMs) : undefined
      sendJson(exchange, 200, await callProcedure(router, procedure.name, contextOf(exchange, sources), input))
    },
  }))
