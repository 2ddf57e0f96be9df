import type { AnyProcedure, AnyRouter } from '@trpc/server'
import { z } from 'zod'

import type { ProcedureMeta, RestMeta } from '../../trpc/init.js'
import { proceduresOf } from '../trpc-procedures.js'

/** A procedure that is also offered as REST. */
export interface RestProcedure {
  name: string
  rest: RestMeta
  access: NonNullable<ProcedureMeta['access']>
  input: z.ZodType | null
  output: z.ZodType
}

interface ProcedureInternals {
  type: 'query' | 'mutation' | 'subscription'
  meta?: ProcedureMeta
  inputs: readonly unknown[]
  output?: unknown
}

const describeProcedure = (name: string, procedure: AnyProcedure): RestProcedure | null => {
  const { type, meta, inputs, output } = procedure._def as unknown as ProcedureInternals
  if (meta?.openapi === undefined) return null
  if (type === 'subscription') throw new TypeError(`${name}: subscriptions have no REST form`)
  if (!(output instanceof z.ZodType)) throw new TypeError(`${name}: declare .output(…) as a zod schema`)
  if (inputs.length > 1) throw new TypeError(`${name}: declare .input(…) once`)
  const [input = null] = inputs
  if (input !== null && !(input instanceof z.ZodType)) throw new TypeError(`${name}: declare .input(…) as a zod schema`)
  if (meta.access === undefined) throw new TypeError(`${name}: nobody said who may call it`)
  return { name, rest: meta.openapi, access: meta.access, input, output }
}

/** @throws TypeError when a procedure cannot be offered as its meta says, or two share a method and path */
export const restProceduresOf = (router: AnyRouter): RestProcedure[] => {
  const found: RestProcedure[] = []
  const taken = new Set<string>()
  for (const [name, procedure] of proceduresOf(router)) {
    const described = describeProcedure(name, procedure)
    if (described === null) continue
    const key = `${described.rest.method} ${described.rest.path.replaceAll(/\{\w+\}/g, '{}')}`
    if (taken.has(key)) throw new TypeError(`${name}: ${key} is taken already`)
    taken.add(key)
    found.push(described)
  }
  return found
}

export const takesBody = (method: RestMeta['method']): boolean => method !== 'GET' && method !== 'DELETE'
