import { isUtf8 } from 'node:buffer'
import type { IncomingHttpHeaders } from 'node:http'

import { GantryError } from '../../kernel/errors.js'
import type { Exchange } from '../exchange.js'
import { LIMITS } from '../settings.js'

const tooLarge = () =>
  new GantryError('REQUEST_TOO_LARGE', { params: { what: 'body', limitBytes: LIMITS.jsonBodyBytes } })

export const mediaTypeOf = (contentType: string | undefined): string | null =>
  contentType?.split(';', 1)[0]?.trim().toLowerCase() ?? null

/** Nothing is unpacked: what a body is when it is unpacked has no bound. */
export const isUncompressed = (headers: IncomingHttpHeaders): boolean =>
  (headers['content-encoding'] ?? 'identity') === 'identity'

const hasBody = ({ req }: Exchange): boolean =>
  req.headers['transfer-encoding'] !== undefined || Number(req.headers['content-length'] ?? 0) > 0

/** @throws GantryError `UNSUPPORTED_MEDIA_TYPE` when a body, or a stated type, is anything but JSON in UTF-8 */
export const assertJsonOnly = (exchange: Exchange): void => {
  const { headers } = exchange.req
  const type = mediaTypeOf(headers['content-type'])
  const isJson = type === 'application/json' && /charset=(?!"?utf-?8)/i.exec(headers['content-type'] ?? '') === null
  if (!isUncompressed(headers)) {
    throw new GantryError('UNSUPPORTED_MEDIA_TYPE', {
      params: { expected: 'the body uncompressed, without Content-Encoding' },
    })
  }
  if (isJson || (type === null && !hasBody(exchange))) return
  throw new GantryError('UNSUPPORTED_MEDIA_TYPE', { params: { expected: 'application/json' } })
}

const collect = async (exchange: Exchange): Promise<Buffer> => {
  const parts: Buffer[] = []
  let bytes = 0
  // A request that is refused half-way must stay open, so that its client can read the answer.
  const incoming = exchange.req.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>
  for await (const part of incoming) {
    bytes += part.length
    if (bytes > LIMITS.jsonBodyBytes) throw tooLarge()
    parts.push(part)
  }
  const body = Buffer.concat(parts, bytes)
  if (!isUtf8(body)) throw new GantryError('VALIDATION_FAILED', { params: { detail: 'the body is not UTF-8' } })
  return body
}

/**
 * The whole body, of at most 1 MB, within `timeoutMs`.
 * @throws GantryError `REQUEST_TOO_LARGE`, `VALIDATION_FAILED` for what is not UTF-8, `DEADLINE_EXCEEDED`, `REQUEST_ABORTED`
 */
export const readJsonBody = async (exchange: Exchange, timeoutMs: number): Promise<Buffer> => {
  if (!hasBody(exchange)) return Buffer.alloc(0)
  if (Number(exchange.req.headers['content-length'] ?? 0) > LIMITS.jsonBodyBytes) throw tooLarge()
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new GantryError('DEADLINE_EXCEEDED', { params: { what: 'body' } })), timeoutMs)
  })
  try {
    return await Promise.race([collect(exchange), late])
  } catch (cause) {
    throw cause instanceof GantryError ? cause : new GantryError('REQUEST_ABORTED', { cause })
  } finally {
    clearTimeout(timer)
  }
}
