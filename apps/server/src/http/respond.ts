import { ERROR_TABLE, type GantryError } from '../kernel/errors.js'
import { errorBodyOf } from '../trpc/error-body.js'
import type { Exchange } from './exchange.js'
import { stopReceiving } from './stop-receiving.js'

export const JSON_TYPE = 'application/json; charset=utf-8'

/** JSON as REST sends it: dates as ISO 8601 in UTC, big integers as strings. */
export const toJson = (value: unknown): string => {
  const text = JSON.stringify(value, (_key, member: unknown) =>
    typeof member === 'bigint' ? member.toString() : member,
  ) as string | undefined
  return text ?? 'null'
}

export const sendText = ({ res }: Exchange, status: number, contentType: string, text: string | Buffer): void => {
  if (res.headersSent || res.destroyed) return
  res.writeHead(status, { 'Content-Type': contentType, 'Content-Length': Buffer.byteLength(text) })
  res.end(text)
}

/** A JSON body of several pieces, none of which is copied, with the headers that nobody has handed to node. */
export const sendParts = ({ res, head }: Exchange, status: number, parts: readonly Buffer[]): void => {
  if (res.headersSent || res.destroyed) return
  head['Content-Type'] = 'application/json'
  head['Content-Length'] = parts.reduce((sum, part) => sum + part.length, 0)
  res.writeHead(status, head)
  if (parts.length === 1) {
    res.end(parts[0])
    return
  }
  res.cork()
  for (const part of parts) res.write(part)
  res.end()
}

export const sendJson = (exchange: Exchange, status: number, value: unknown): void =>
  sendText(exchange, status, JSON_TYPE, toJson(value))

/** For the header `Retry-After`; null when the error does not say when to come back. */
export const retryAfter = ({ retryAfterSeconds }: GantryError): string | null =>
  retryAfterSeconds === null ? null : String(Math.max(1, Math.ceil(retryAfterSeconds)))

/** Headers that go with an error whatever its body looks like; remembers the code for the log. */
export const prepareError = (exchange: Exchange, error: GantryError): void => {
  exchange.errorCodes.add(error.code)
  if (exchange.res.headersSent) return
  if (stopReceiving(exchange.req)) exchange.res.setHeader('Connection', 'close')
  const later = retryAfter(error)
  if (later !== null) exchange.res.setHeader('Retry-After', later)
  if (ERROR_TABLE[error.code].httpStatus === 401) exchange.res.setHeader('WWW-Authenticate', 'Bearer')
}

/** `{ error: ErrorBody }` with the status of the closed table. */
export const sendError = (exchange: Exchange, error: GantryError): void => {
  prepareError(exchange, error)
  sendJson(exchange, ERROR_TABLE[error.code].httpStatus, { error: errorBodyOf(error, exchange.requestId) })
}
