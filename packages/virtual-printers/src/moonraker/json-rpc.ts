import type { Caller, Method } from './method.js'
import { isRecord, type Params } from './params.js'
import { ServerError } from './server-error.js'

type RequestId = string | number | null

/** What a call came to, before it is put into an envelope. */
export type Outcome =
  { readonly result: unknown } | { readonly error: { readonly code: number; readonly message: string } }

/** Executes one call; null gives no answer at all. */
export type Execute = (method: string, params: Params) => Promise<unknown>

/**
 * Answers one text frame or request body: a JSON-RPC 2.0 object or a batch of them.
 * @returns the reply as JSON text, or null when there is nothing to say
 */
export async function answerJsonRpc(text: string, execute: Execute): Promise<string | null> {
  const message = parse(text)
  if (message === undefined) return JSON.stringify(failure(null, -32700, 'Parse error'))
  if (!Array.isArray(message)) {
    const reply = await answer(message, execute)
    return reply && JSON.stringify(reply)
  }
  const replies: unknown[] = []
  for (const item of message) {
    const reply = await answer(item, execute)
    if (reply) replies.push(reply)
  }
  return replies.length > 0 ? JSON.stringify(replies) : null
}

/** Calls a method of the table; whatever goes wrong is an outcome with Moonraker's JSON-RPC code. */
export async function callMethod(
  methods: ReadonlyMap<string, Method>,
  name: string,
  params: Params,
  caller: Caller,
): Promise<Outcome> {
  const method = methods.get(name)
  if (!method) return errorOutcome(-32601, 'Method not found')
  if (method.websocketOnly && !caller.connection) {
    return errorOutcome(-32601, 'Method not found for transport HTTP')
  }
  try {
    if (!caller.authorized && !method.isPublic) throw new ServerError('Unauthorized', 401)
    return { result: await method.run(params, caller) }
  } catch (error) {
    if (error instanceof ServerError) return errorOutcome(codeOf(error.status), error.message)
    return errorOutcome(500, error instanceof Error ? error.message : String(error))
  }
}

async function answer(message: unknown, execute: Execute): Promise<object | null> {
  if (!isRecord(message)) return failure(null, -32600, 'Invalid Request')
  const id = idOf(message)
  if (message.jsonrpc !== '2.0') return failure(id, -32600, 'Invalid Request')
  // Without a method it is an answer to a call of ours, and the real host says nothing to that.
  if (message.method === undefined) return null
  if (typeof message.method !== 'string') return failure(id, -32600, 'Invalid Request')
  const params = message.params ?? {}
  if (!isRecord(params)) return failure(id, -32602, 'Invalid params:')
  const outcome = await execute(message.method, params)
  if (!isRecord(outcome) || (id === null && 'result' in outcome)) return null
  return { jsonrpc: '2.0', ...outcome, id }
}

/** Moonraker gives 404 and 401 the codes of "method not found" and "invalid params"; the others pass through. */
function codeOf(status: number): number {
  if (status === 404) return -32601
  return status === 401 ? -32602 : status
}

function errorOutcome(code: number, message: string): Outcome {
  return { error: { code, message } }
}

function failure(id: RequestId, code: number, message: string): object {
  return { jsonrpc: '2.0', ...errorOutcome(code, message), id }
}

function idOf(message: Record<string, unknown>): RequestId {
  const { id } = message
  return typeof id === 'string' || typeof id === 'number' ? id : null
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}
