import { randomUUID } from 'node:crypto'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'

import { GantryError } from '../kernel/errors.js'
import type { Logger } from '../kernel/logger.port.js'
import { errorBodyOf } from '../trpc/error-body.js'
import type { HttpMetrics } from './metrics.port.js'
import { SECURITY_HEADERS } from './security-headers.js'

interface Refusal {
  status: string
  error: GantryError
}

const refusalOf = (code: string | undefined): Refusal => {
  if (code === 'HPE_HEADER_OVERFLOW') {
    const error = new GantryError('REQUEST_TOO_LARGE', { params: { what: 'headers' } })
    return { status: '431 Request Header Fields Too Large', error }
  }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    const error = new GantryError('DEADLINE_EXCEEDED', { params: { what: 'headers' } })
    return { status: '408 Request Timeout', error }
  }
  const detail = code === 'HPE_INVALID_METHOD' ? 'this method is not known' : 'this is not HTTP/1.1'
  const error = new GantryError('VALIDATION_FAILED', { params: { detail } })
  return { status: '400 Bad Request', error }
}

const SECURITY_LINES = Object.entries(SECURITY_HEADERS)
  .map(([name, value]) => `${name}: ${value}\r\n`)
  .join('')

/** How long whoever sent it has to read the answer and to go. */
const LINGER_MS = 2_000

export interface UnparsableDeps {
  metrics: Pick<HttpMetrics, 'requestFinished'>
  log: Logger
}

/** Answers what node:http could not parse, and so never became a request; then the connection ends. */
export const refuseUnparsable = (
  cause: NodeJS.ErrnoException,
  socket: Duplex,
  { metrics, log }: UnparsableDeps,
): void => {
  if (cause.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const linger = setTimeout(() => socket.destroy(), LINGER_MS).unref()
  socket.once('close', () => clearTimeout(linger))
  const { status, error } = refusalOf(cause.code)
  const requestId = randomUUID()
  const ip = socket instanceof Socket ? (socket.remoteAddress ?? null) : null
  const code = Number(status.split(' ', 1)[0])
  metrics.requestFinished({ method: 'other', route: 'unparsable', status: code, durationSeconds: 0 })
  log.info({ requestId, ip, status: code, errorCodes: [error.code], parser: cause.code ?? null }, 'request')
  const body = JSON.stringify({ error: errorBodyOf(error, requestId) })
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n` +
      `X-Request-Id: ${requestId}\r\n${SECURITY_LINES}Connection: close\r\n\r\n${body}`,
  )
}
