import { TRPC_ERROR_CODES_BY_KEY } from '@trpc/server/rpc'

import { ERROR_TABLE, type GantryError } from '../kernel/errors.js'
import { errorBodyOf } from '../trpc/error-body.js'
import type { ErrorShape } from '../trpc/error-formatter.js'
import { transformer } from '../trpc/input-transformer.js'
import type { Exchange } from './exchange.js'
import { prepareError, sendJson, sendText, toJson } from './respond.js'

const shapeOf = (error: GantryError, requestId: string): ErrorShape => {
  const data = errorBodyOf(error, requestId)
  return { code: TRPC_ERROR_CODES_BY_KEY[ERROR_TABLE[error.code].transport], message: data.message, data }
}

/**
 * An error that happened before tRPC, in the form that tRPC clients read. An `EventSource` shows its user nothing of an
 * answer that is no stream, so that streams get the error as their only event.
 */
export const sendTrpcError = (exchange: Exchange, error: GantryError, form: 'json' | 'stream'): void => {
  prepareError(exchange, error)
  const shape = transformer.output.serialize(shapeOf(error, exchange.requestId))
  if (form === 'json') sendJson(exchange, ERROR_TABLE[error.code].httpStatus, { error: shape })
  else {
    const events = `event: connected\ndata: {}\n\nevent: serialized-error\ndata: ${toJson(shape)}\n\n`
    sendText(exchange, 200, 'text/event-stream', events)
  }
}

interface WireError {
  error: { json: { data: { requestId: string } } }
}

const isWireError = (value: unknown): value is WireError =>
  typeof value === 'object' && value !== null && 'error' in value

/** Errors that tRPC finds before it makes a context know neither their request nor a type; both are filled in here. */
export const withRequestId = async (response: Response, requestId: string): Promise<Response> => {
  const body: unknown = await response.json()
  for (const member of Array.isArray(body) ? body : [body]) {
    if (isWireError(member)) member.error.json.data.requestId ||= requestId
  }
  const headers = new Headers(response.headers)
  headers.set('content-type', 'application/json')
  return new Response(JSON.stringify(body), { status: response.status, headers })
}
