import type { HostCall, HostReply } from '../net/host-server.types.js'
import { readBody } from '../net/read-body.js'
import type { Access, Permission, User } from './access.js'
import { ApiError } from './api-error.js'

/** OctoPrint's `server.maxSize`. */
const MAX_BODY_BYTES = 100 * 1024

export interface RouteCall {
  readonly call: HostCall
  readonly user: User
  /** What the pattern's group caught. */
  readonly tail: string
  /** Address that the client used, for links. */
  readonly origin: string
}

export interface Route {
  readonly method: string
  /** The whole path; a group catches the tail. */
  readonly path: RegExp
  /** null: whoever has a name; 'guest': everybody. */
  readonly permission: Permission | null | 'guest'
  readonly handle: (call: RouteCall) => HostReply | Promise<HostReply>
}

/** Finds the route, checks the key and its permission, and runs it. @throws ApiError */
export async function dispatch(routes: readonly Route[], access: Access, call: HostCall): Promise<HostReply> {
  const user = access.identify(call.headers, call.query)
  const method = call.method === 'HEAD' ? 'GET' : call.method
  const here = routes.filter((route) => route.path.test(call.path))
  if (here.length === 0) throw new ApiError(404, 'Not Found')
  const route = here.find((candidate) => candidate.method === method)
  if (!route) throw new ApiError(405, 'Method Not Allowed')
  if (route.permission !== 'guest') access.require(user, route.permission, method)
  const tail = route.path.exec(call.path)?.[1] ?? ''
  return route.handle({ call, user, tail, origin: `http://${call.headers.host ?? ''}` })
}

/** The JSON object in the body. @throws ApiError 400 */
export async function jsonBody({ call }: RouteCall): Promise<Record<string, unknown>> {
  if (!(call.headers['content-type'] ?? '').startsWith('application/json')) {
    throw new ApiError(400, 'Expected content-type JSON')
  }
  const text = await readBody(call.request, MAX_BODY_BYTES)
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  } catch {
    throw new ApiError(400, 'Malformed JSON body in request')
  }
  throw new ApiError(400, 'Malformed JSON body in request')
}

/** The body and its `command`, one of `known`. @throws ApiError 400 */
export async function commandBody<C extends string>(
  call: RouteCall,
  known: readonly C[],
): Promise<{ command: C; body: Record<string, unknown> }> {
  const body = await jsonBody(call)
  const command = known.find((name) => name === body['command'])
  if (command === undefined) throw new ApiError(400, `command is invalid: ${JSON.stringify(body['command'])}`)
  return { command, body }
}

/** @throws ApiError 400 when the field is no number within the bounds */
export function numberField(body: Record<string, unknown>, field: string, low: number, high: number): number {
  const value = body[field]
  if (typeof value === 'number' && value >= low && value <= high) return value
  throw new ApiError(400, `Not a valid value for ${field}: ${JSON.stringify(value)}`)
}
