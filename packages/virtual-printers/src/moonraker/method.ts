import type { Connection } from './connection.js'
import type { Params } from './params.js'

export type Verb = 'GET' | 'POST' | 'DELETE'

/** Who calls, and over what. `connection` is null for HTTP. */
export interface Caller {
  readonly authorized: boolean
  readonly connection: Connection | null
}

/** One entry of the table that HTTP and JSON-RPC share. */
export interface Method {
  /** JSON-RPC name, for example `printer.print.start`. */
  readonly name: string
  readonly verb: Verb
  /** A second verb with the same meaning. */
  readonly alsoVerb?: Verb
  /** Empty for a method that HTTP reaches in another way. */
  readonly path: string
  /** Needs no key, like `access.info`. */
  readonly isPublic?: boolean
  /** Exists on WebSocket alone: identify and subscribe belong to one connection. */
  readonly websocketOnly?: boolean
  /** Query strings are object names with comma-separated fields. */
  readonly takesObjects?: boolean
  /** @throws {ServerError} as the real host refuses */
  readonly run: (params: Params, caller: Caller) => unknown
}

/**
 * The table by JSON-RPC name.
 * @throws {Error} when two methods share a name
 */
export function methodTable(methods: readonly Method[]): ReadonlyMap<string, Method> {
  const table = new Map(methods.map((method) => [method.name, method]))
  if (table.size !== methods.length) throw new Error('Two methods share one name')
  return table
}
