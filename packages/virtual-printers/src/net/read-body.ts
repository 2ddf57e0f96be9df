import type { IncomingMessage } from 'node:http'

/** A body longer than allowed. */
export class BodyTooLargeError extends Error {}

/** Reads a whole small body as text. @throws BodyTooLargeError */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.byteLength
    if (size > maxBytes) throw new BodyTooLargeError(`the body is longer than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
