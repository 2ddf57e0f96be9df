import type { AnyProcedure, AnyRouter } from '@trpc/server'

import type { Exchange } from './exchange.js'

export type ProcedureMap = ReadonlyMap<string, AnyProcedure>

/** The router's procedures by full name, such as `printers.list`. */
export const proceduresOf = (router: AnyRouter): ProcedureMap =>
  new Map(Object.entries(router._def.procedures as Record<string, AnyProcedure>))

const UNKNOWN = 'unknown'

/** The procedures a tRPC URL asks for; those that do not exist are told as `unknown`, since names become labels. */
export const procedureNames = (exchange: Exchange, procedures: ProcedureMap): string[] => {
  const path = exchange.path.slice('/trpc/'.length)
  const names = exchange.query.get('batch') === '1' ? path.split(/,|%2C/i) : [path]
  return names.map((name) => (procedures.has(name) ? name : UNKNOWN))
}

export const isSubscription = (names: readonly string[], procedures: ProcedureMap): boolean =>
  names.length === 1 && procedures.get(names[0] ?? '')?._def.type === 'subscription'
