import type { IncomingMessage } from 'node:http'

/** Command bodies are far shorter; uploads are streamed. */
const MAX_HELD_BYTES = 1024 * 1024

/** Bodies that were read before their handler runs. */
const held = new WeakMap<IncomingMessage, Buffer>()

/** A body longer than allowed. */
export class BodyTooLargeError extends Error {}

/** Reads a whole small body as text. @throws BodyTooLargeError, or the stream's error when the sender goes away */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<string> {
  const body = held.get(request) ?? (await readBytes(request, maxBytes))
  if (body.byteLength > maxBytes) throw tooLarge(maxBytes)
  return body.toString('utf8')
}

/** The body that `holdBody` keeps, as text; empty for none. */
export function heldBody(request: IncomingMessage): string {
  return held.get(request)?.toString('utf8') ?? ''
}

/**
 * Reads a small body now and keeps it for `readBody`, so that a command which waits (for a gate) takes effect even when
 * its sender has given up meanwhile, as on a host that is slow. Leaves long bodies and forms alone; no body is a body, too.
 * @throws BodyTooLargeError for a chunked one that is too long, or the stream's error when the sender goes away
 */
export async function holdBody(request: IncomingMessage): Promise<void> {
  if (request.method === 'GET' || request.method === 'HEAD') return
  const length = Number(request.headers['content-length'] ?? 0)
  const form = request.headers['content-type']?.startsWith('multipart/') ?? false
  if (form || length > MAX_HELD_BYTES) return
  held.set(request, await readBytes(request, MAX_HELD_BYTES))
}

async function readBytes(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.byteLength
    if (size > maxBytes) throw tooLarge(maxBytes)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function tooLarge(maxBytes: number): BodyTooLargeError {
  return new BodyTooLargeError(`the body is longer than ${maxBytes} bytes`)
}
