import { randomBytes } from 'node:crypto'
import { addAbortSignal, type Readable } from 'node:stream'

import { NetError } from './net-error.js'

/** A body whose length is known before its first byte is read. */
export interface SizedBody {
  contentType: string
  sizeBytes: number
  /**
   * The whole body, read once. `onContent` hears how many bytes of the file itself were handed on; `over` closes the
   * source, even one that hangs.
   */
  chunks(onContent: (bytes: number) => void, over: AbortSignal): AsyncGenerator<Uint8Array>
}

export interface FilePart {
  field: string
  fileName: string
  sizeBytes: number
  open(): Readable
}

const quoted = (text: string): string => `"${text.replace(/[\r\n"\\]/g, '_')}"`

async function* exactly(
  file: FilePart,
  onContent: (bytes: number) => void,
  over: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const source = addAbortSignal(over, file.open())
  let sent = 0
  try {
    for await (const chunk of source as AsyncIterable<Uint8Array>) {
      sent += chunk.byteLength
      if (sent > file.sizeBytes) break
      yield chunk
      onContent(sent)
    }
  } catch (cause) {
    throw new NetError('source', 'the content to upload could not be read', { cause })
  } finally {
    source.destroy()
  }
  if (sent !== file.sizeBytes) throw new NetError('source', 'the content to upload has another length than announced')
}

/** `multipart/form-data` (RFC 7578) of text fields and one file, streamed with a known length. */
export const multipartBody = (fields: Readonly<Record<string, string>>, file: FilePart): SizedBody => {
  const boundary = `gantry-${randomBytes(16).toString('hex')}`
  const texts = Object.entries(fields).map(
    ([name, value]) => `--${boundary}\r\nContent-Disposition: form-data; name=${quoted(name)}\r\n\r\n${value}\r\n`,
  )
  const disposition = `form-data; name=${quoted(file.field)}; filename=${quoted(file.fileName)}`
  const head = Buffer.from(
    `${texts.join('')}--${boundary}\r\nContent-Disposition: ${disposition}\r\n` +
      'Content-Type: application/octet-stream\r\n\r\n',
  )
  const tail = Buffer.from(`\r\n--${boundary}--\r\n`)
  return {
    contentType: `multipart/form-data; boundary=${boundary}`,
    sizeBytes: head.byteLength + file.sizeBytes + tail.byteLength,
    async *chunks(onContent, over) {
      yield head
      yield* exactly(file, onContent, over)
      yield tail
    },
  }
}
