import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import { Busboy, type BusboyInstance } from '@fastify/busboy'
import type { FileStore, StagedFile } from '../files/file-store.js'
import type { UploadForm } from './file-operations.js'
import { ServerError } from './server-error.js'

const FIELD_NAMES: ReadonlySet<string> = new Set(['root', 'path', 'print', 'checksum'])
const MAX_FIELD_BYTES = 64 * 1024

interface ReceivedParts {
  readonly fields: Map<string, string>
  staging: Promise<StagedFile> | null
  filename: string
}

/**
 * Receives the form of `POST /server/files/upload`, its fields in any order; the file is streamed to disk.
 * @param onReceived awaited once all of it is there; throws when it shall be dropped
 * @throws {ServerError} 422 for a checksum that differs, 400 without a file name, 500 for a broken form
 */
export async function receiveUpload(
  request: IncomingMessage,
  store: FileStore,
  maxUploadBytes: number,
  onReceived: () => Promise<void> = () => Promise.resolve(),
): Promise<UploadForm> {
  if (Number(request.headers['content-length'] ?? 0) > maxUploadBytes) throw new ServerError('Content-Length too long')
  const parts: ReceivedParts = { fields: new Map(), staging: null, filename: '' }
  try {
    await parse(request, parts, store, maxUploadBytes)
    const form = checked(await parts.staging, parts)
    await onReceived()
    return form
  } catch (error) {
    const staged = await parts.staging?.catch(() => null)
    if (staged) await store.discard(staged)
    throw error
  }
}

function parse(
  request: IncomingMessage,
  parts: ReceivedParts,
  store: FileStore,
  maxUploadBytes: number,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const form = parserFor(request.headers, maxUploadBytes)
    let file: Readable | null = null
    const fail = (error: ServerError): void => {
      request.unpipe(form)
      file?.destroy(error)
      reject(error)
    }
    const broken = (): void => fail(new ServerError('File Upload Parsing Failed', 500))
    form.on('field', (name, value) => FIELD_NAMES.has(name) && parts.fields.set(name, value))
    form.on('file', (name, stream, filename: string | undefined) => {
      if (name !== 'file' || parts.staging || !filename?.trim()) {
        stream.resume()
        return
      }
      file = stream
      parts.filename = filename
      stream.on('limit', () => fail(new ServerError('Content-Length too long')))
      // The stream may be destroyed before the store has begun to read it.
      stream.on('error', () => undefined)
      parts.staging = store.stage(stream)
      parts.staging.catch(broken)
    })
    form.on('finish', resolve)
    form.on('error', broken)
    request.on('close', () => request.complete || broken())
    request.pipe(form)
  })
}

function parserFor(headers: IncomingHttpHeaders, maxUploadBytes: number): BusboyInstance {
  const limits = { fileSize: maxUploadBytes, fieldSize: MAX_FIELD_BYTES, fields: 32, files: 4, parts: 64 }
  const contentType = headers['content-type'] ?? ''
  try {
    return new Busboy({ headers: { ...headers, 'content-type': contentType }, preservePath: true, limits })
  } catch {
    throw new ServerError('File Upload Parsing Failed', 500)
  }
}

function checked(staged: StagedFile | null, { fields, filename }: ReceivedParts): UploadForm {
  const expected = fields.get('checksum')?.toLowerCase()
  if (expected && staged && expected !== staged.sha256) {
    throw new ServerError(`File checksum mismatch: expected ${expected}, calculated ${staged.sha256}`, 422)
  }
  if (!staged) throw new ServerError('Multipart filename omitted')
  return {
    staged,
    filename,
    root: fields.get('root') ?? 'gcodes',
    folder: fields.get('path') ?? '',
    print: fields.get('print') === 'true',
  }
}
