import { apiErrorOf } from '../errors/api-error-of.js'
import { stallError } from '../errors/client-errors.js'
import { GantryApiError } from '../errors/gantry-api-error.js'
import type { PrintFile } from '../generated/router.js'
import { Deadline } from '../http/deadline.js'
import { bearer, type FetchLike } from '../http/exchange.js'
import type { Session } from '../session/session.js'
import { printFileIn } from './answers.js'
import { streamSend, wholeSend } from './fetch-send.js'
import { uploadSourceOf, type UploadInput, type UploadSource } from './upload-source.js'
import type { SendAnswer, SendRequest, UploadOptions } from './upload.types.js'
import { xhrSend, type XhrConstructor } from './xhr-send.js'

export interface UploaderOptions {
  url: string
  fetch: FetchLike
  session: Pick<Session, 'authorized'>
  /** Nothing sent, and no answer, for so long: given up. */
  stallTimeoutMs: number
  /** Null outside of browsers, and when the user brought a `fetch`. */
  xhr: XhrConstructor | null
  /** Browsers send streams to few servers; there a source is gathered first. */
  canStream: boolean
}

const missingName = () =>
  new GantryApiError({
    code: 'VALIDATION_FAILED',
    message: 'Give the file a name: upload(file, { name }).',
    fields: { name: ['must be given'] },
  })

const gathered = async (source: UploadSource): Promise<Blob> => {
  if (source.whole !== null) return source.whole
  const parts: Uint8Array<ArrayBuffer>[] = []
  for await (const part of source.open()) parts.push(part as Uint8Array<ArrayBuffer>)
  return new Blob(parts)
}

/** Brings files into the library. The same name with the same content is stored once, so repeating does no harm. */
export class Uploader {
  constructor(private readonly options: UploaderOptions) {}

  /** @throws GantryApiError `NOT_GCODE`, `NOT_3MF`, `NOT_SLICED`, `FILE_TOO_LARGE`, `UPLOAD_TRUNCATED`, `STORAGE_FULL`, `ABORTED`, … */
  async upload(input: UploadInput, options: UploadOptions): Promise<PrintFile> {
    const source = uploadSourceOf(input)
    const name = options.name ?? source.name
    if (name === null) throw missingName()
    const sized = { ...source, sizeBytes: source.sizeBytes ?? options.contentLength ?? null }
    let tries = 0
    let refused: unknown = null
    return this.options.session.authorized(async (token) => {
      tries += 1
      // What was read once is gone; its refusal stands.
      if (tries > 1 && !source.repeatable) throw refused
      try {
        return await this.send(sized, { name, token, options })
      } catch (error) {
        refused = error
        throw error
      }
    })
  }

  private async send(
    source: UploadSource,
    { name, token, options }: { name: string; token: string | null; options: UploadOptions },
  ): Promise<PrintFile> {
    const deadline = new Deadline(this.options.stallTimeoutMs, stallError, options.signal)
    const total = source.sizeBytes
    const onSent = (sentBytes: number) => {
      deadline.restart()
      const progress = total === null ? null : total === 0 ? 1 : Math.min(1, sentBytes / total)
      options.onProgress?.({ sentBytes, totalBytes: total, progress })
    }
    const request: SendRequest = {
      url: `${this.options.url}/api/files?name=${encodeURIComponent(name)}`,
      headers: { 'Content-Type': 'application/octet-stream', ...bearer(token) },
      onSent,
      signal: deadline.signal,
    }
    try {
      const { status, text } = await deadline.race(this.sendBy(source, request))
      return printFileIn(status, text)
    } catch (error) {
      throw deadline.signal.aborted ? deadline.signal.reason : apiErrorOf(error)
    } finally {
      deadline.dispose()
    }
  }

  private async sendBy(source: UploadSource, request: SendRequest): Promise<SendAnswer> {
    const { fetch, xhr, canStream } = this.options
    if (xhr !== null) return xhrSend(xhr, await gathered(source), request)
    if (!canStream) return wholeSend(fetch, await gathered(source), request)
    const length: Record<string, string> =
      source.sizeBytes === null ? {} : { 'Content-Length': String(source.sizeBytes) }
    return streamSend(fetch, source.open(), { ...request, headers: { ...request.headers, ...length } })
  }
}
