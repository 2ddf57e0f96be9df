import type { AnyRouter } from '@trpc/server'

import { contextOf, type ContextSources } from '../context.js'
import type { Exchange } from '../exchange.js'
import { assertJsonOnly, readJsonBody } from '../limits/json-body.js'
import { sendJson } from '../respond.js'
import { callProcedure, parseBody } from '../rest/rest.routes.js'
import type { PathParams, Route } from '../route.js'

export interface OldCallSources extends ContextSources {
  router: AnyRouter
  bodyTimeoutMs: number
}

/** One request of a client of old. */
export class OldCall {
  constructor(
    readonly exchange: Exchange,
    readonly params: PathParams,
    private readonly sources: OldCallSources,
  ) {}

  /** Of what they send only these fields are looked at. @throws GantryError `VALIDATION_FAILED`, `REQUEST_TOO_LARGE`, … */
  async fields(...names: string[]): Promise<Record<string, unknown>> {
    const body = parseBody(await readJsonBody(this.exchange, this.sources.bodyTimeoutMs))
    return Object.fromEntries(names.flatMap((name) => (Object.hasOwn(body, name) ? [[name, body[name]]] : [])))
  }

  /** Today's procedure, with everything that guards it. */
  ask(procedure: string, input?: object): Promise<unknown> {
    const { router, bodyTimeoutMs: _bodyTimeoutMs, ...sources } = this.sources
    this.exchange.procedures = [procedure]
    return callProcedure(router, procedure, contextOf(this.exchange, sources), input)
  }
}

export interface OldAnswer {
  status: number
  /** Undefined: none. */
  body?: unknown
}

/** A route below both versions, which differ in nothing. */
export const oldRoutes = (
  sources: OldCallSources,
  method: string,
  path: string,
  answer: (call: OldCall) => OldAnswer | Promise<OldAnswer>,
): Route[] =>
  ['v1', 'v2'].map((version) => ({
    ...{ method, pattern: `/api/${version}${path}`, access: 'guarded', clients: 'old' },
    handle: async (exchange, params) => {
      assertJsonOnly(exchange)
      const { status, body } = await answer(new OldCall(exchange, params, sources))
      if (body === undefined) exchange.res.writeHead(status).end()
      else sendJson(exchange, status, body)
    },
  }))
