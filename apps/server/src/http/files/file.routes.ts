import type { Actor } from '../../kernel/actor.js'
import { GantryError } from '../../kernel/errors.js'
import type { Exchange } from '../exchange.js'
import { isUncompressed, mediaTypeOf } from '../limits/json-body.js'
import { sendJson } from '../respond.js'
import type { Route } from '../route.js'
import type { Download, FileHandlers } from './file-handlers.js'
import { attachment } from './file-name.js'
import { formUpload } from './form-upload.js'
import { sendBytes } from './send-bytes.js'
import { rawUpload, type IncomingFile } from './raw-upload.js'
import { fileTooLarge, type UploadLimits, type UploadSource } from './upload-source.js'

export interface FileRoutesOptions extends UploadLimits {
  files: FileHandlers
}

const actorOf = ({ actor }: Exchange): Actor => {
  if (actor === null) throw new GantryError('UNAUTHENTICATED')
  return actor
}

const openUpload = async (exchange: Exchange, limits: UploadLimits): Promise<IncomingFile> => {
  const { headers } = exchange.req
  const type = mediaTypeOf(headers['content-type'])
  const isPlain = isUncompressed(headers)
  if (isPlain && type === 'multipart/form-data') return formUpload(exchange, limits)
  if (!isPlain || type !== 'application/octet-stream') {
    throw new GantryError('UNSUPPORTED_MEDIA_TYPE', {
      params: { expected: 'application/octet-stream or multipart/form-data' },
    })
  }
  if (Number(headers['content-length'] ?? 0) > limits.maxBytes) throw fileTooLarge(limits.maxBytes)
  return rawUpload(exchange, limits)
}

const receive = async (exchange: Exchange, { files, ...limits }: FileRoutesOptions): Promise<void> => {
  const actor = actorOf(exchange)
  exchange.procedures = ['files.upload']
  let source: UploadSource | null = null
  const open = async () => {
    const file = await openUpload(exchange, limits)
    source = file.source
    return file
  }
  const opened = (): UploadSource | null => source
  try {
    sendJson(exchange, 201, await files.upload(actor, open, exchange.signal))
  } catch (error) {
    // The stream knows better why it ended than whoever read from it.
    const cause = opened()?.errored
    throw cause instanceof GantryError ? cause : error
  } finally {
    opened()?.destroy()
  }
}

const send = async (exchange: Exchange, download: Download): Promise<void> => {
  exchange.res.writeHead(200, {
    'Content-Type': download.contentType,
    'Content-Length': download.sizeBytes,
    'Content-Disposition': attachment(download.name),
    'Cache-Control': 'private, no-cache',
  })
  await sendBytes(exchange, download.source)
}

/** `POST /api/files`, `GET /api/files/{id}/content` and `/thumbnail`: bytes straight from and to the handlers. */
export const fileRoutes = (options: FileRoutesOptions): Route[] => {
  const download = (part: 'content' | 'thumbnail'): Route => ({
    method: 'GET',
    pattern: `/api/files/{id}/${part}`,
    access: 'guarded',
    isLong: () => true,
    handle: async (exchange, { id = '' }) => {
      const found = await options.files[part](actorOf(exchange), id, exchange.signal)
      await send(exchange, found)
    },
  })
  return [
    {
      method: 'POST',
      pattern: '/api/files',
      access: 'guarded',
      isLong: () => true,
      handle: (exchange) => receive(exchange, options),
    },
    download('content'),
    download('thumbnail'),
  ]
}
